"""What a profile's card says, in words: the list paints it, a screen reader reads it, privacy mode masks it."""

from dataclasses import dataclass
from typing import Final, Literal

from app.client.profiles import Entry
from app.storage.profiles import Profile
from app.texts import translate
from app.ui.widgets.amounts import duration_text, ms_text

Kind = Literal["plain", "good", "warn", "bad", "muted"]

SLOW: Final = 1_000.0  # ms for all stages together, from which on browsing feels slow
_MASK: Final = "•••••"


@dataclass(frozen=True, slots=True)
class Chip:
    """A word or two in a small frame."""

    text: str
    kind: Kind = "plain"


@dataclass(frozen=True, slots=True)
class Card:
    """One profile as it is shown. `pill` is its latency or what stands for it; `reason` why it did not answer."""

    name: str
    address: str
    chips: tuple[Chip, ...] = ()
    pill: Chip | None = None
    reason: str = ""
    active: bool = False

    @property
    def spoken(self) -> str:
        """The whole card as one line, for those who hear it."""
        active = translate("card", "active") if self.active else ""
        pill = self.pill.text if self.pill else ""
        return ", ".join(
            filter(None, (self.name, active, self.address, *(it.text for it in self.chips), pill, self.reason))
        )


def card_of(
    entry: Entry,
    number: int,
    *,
    private: bool = False,
    active: bool = False,
    testing: bool = False,
    group: bool = False,
) -> Card:
    """The card of `entry`, the `number`th of the list; with its `group` as a chip where no heading says it."""
    return Card(
        name=shown_name(entry, number, private),
        address=_MASK if private else address(entry.profile),
        chips=_chips(entry, group),
        pill=_pill(entry, testing),
        reason="" if testing or private else entry.problem,
        active=active,
    )


def shown_name(entry: Entry, number: int, private: bool) -> str:
    """The profile's name, or its number where names are masked."""
    return translate("card", "Profile {number}").format(number=number) if private else entry.profile.name


def address(profile: Profile) -> str:
    """The first server, and how many there are beside it."""
    first, more = str(profile.servers[0]), len(profile.servers) - 1
    return translate("card", "{address} and {count} more").format(address=first, count=more) if more else first


def hint(entry: Entry, private: bool, now: float) -> str:
    """What the pointer is told beyond the card: every server, when it was tried, and why it failed. `now`: epoch s."""
    lines = [] if private else [str(server) for server in entry.profile.servers[:8]]
    if entry.tested_at is not None:
        ago = duration_text(now - entry.tested_at)
        lines.append(translate("card", "Tested {ago} ago").format(ago=ago))
    if entry.problem and not private:
        lines.append(entry.problem)
    return "\n".join(lines)


def matches(entry: Entry, words: list[str]) -> bool:
    """Whether name, group or a host has each of the case-folded `words` in it."""
    servers = " ".join(str(server) for server in entry.profile.servers)
    text = f"{entry.profile.name} {entry.group} {servers}".casefold()
    return all(word in text for word in words)


def _chips(entry: Entry, group: bool) -> tuple[Chip, ...]:
    """The most telling first: where room is short, the last ones are left out."""
    profile = entry.profile
    chips: list[Chip] = []
    if profile.verification == "none":
        chips.append(Chip(translate("card", "not verified"), "bad"))
    if profile.verification == "pin":
        chips.append(Chip(translate("card", "pinned")))
    if entry.temporary:
        chips.append(Chip(translate("card", "not saved"), "muted"))
    if group and entry.group:
        chips.append(Chip(entry.group, "muted"))
    chips.append(Chip(translate("card", "UDP"), "muted"))
    return tuple(chips)


def _pill(entry: Entry, testing: bool) -> Chip | None:
    if testing:
        return Chip(translate("card", "testing…"), "muted")
    if entry.problem:
        return Chip(translate("card", "failed"), "bad")
    if entry.latency_ms is None:
        return None
    return Chip(ms_text(entry.latency_ms), "warn" if entry.latency_ms >= SLOW else "good")
