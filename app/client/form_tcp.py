"""What a form says about TCP: numbers, of which 0 is none, a source that may be half typed, and their problems."""

from dataclasses import dataclass
from typing import Final

from app.storage.profiles import KEEPALIVE_SECONDS, USER_TIMEOUT_SECONDS, local_source
from app.texts import translate
from app.transport.options import USUAL_TCP, Family, TcpOptions


@dataclass(frozen=True, slots=True)
class TcpDraft:
    """As `app.client.form.ProfileDraft`, of which it is a part. Seconds; 0 leaves it to the system."""

    family: Family = USUAL_TCP.family
    source: str = USUAL_TCP.source or ""
    keepalive: float = USUAL_TCP.keepalive or 0.0
    user_timeout: float = USUAL_TCP.user_timeout or 0.0
    no_delay: bool = USUAL_TCP.no_delay
    multipath: bool = USUAL_TCP.multipath

    @classmethod
    def of(cls, options: TcpOptions) -> "TcpDraft":
        """What a saved profile says."""
        return cls(
            family=options.family,
            source=options.source or "",
            keepalive=options.keepalive or 0.0,
            user_timeout=options.user_timeout or 0.0,
            no_delay=options.no_delay,
            multipath=options.multipath,
        )

    def problems(self) -> dict[str, str]:
        """A sentence for each field that cannot be saved as it is."""
        found: dict[str, str] = {}
        if self.source.strip():
            try:
                local_source(self.source)
            except ValueError as error:
                found["source"] = translate("form", "The source {problem}.").format(problem=error)
        for name, seconds, limits in (
            ("keepalive", self.keepalive, KEEPALIVE_SECONDS),
            ("user_timeout", self.user_timeout, USER_TIMEOUT_SECONDS),
        ):
            if seconds and not limits[0] <= seconds <= limits[1]:
                text = translate("form", "From {low:g} to {high:g} seconds, or 0 for none.")
                found[name] = text.format(low=limits[0], high=limits[1])
        return found

    def options(self) -> TcpOptions:
        """What the profile keeps. Raises ValueError where there are problems."""
        return TcpOptions(
            keepalive=self.keepalive or None,
            user_timeout=self.user_timeout or None,
            no_delay=self.no_delay,
            multipath=self.multipath,
            source=local_source(self.source) if self.source.strip() else None,
            family=self.family,
        )


NEW_TCP: Final = TcpDraft()
