"""The sessions as rows: what changed from one look to the next, and what a row says. No Qt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.engine.snapshot import SessionInfo, Snapshot
from app.texts import translate
from app.traffic.rates import format_bytes
from app.ui.widgets.amounts import duration_text, ms_text
from app.ui.widgets.stages import MASK

BUSY: Final = frozenset({"active", "draining"})
RESTING: Final = frozenset({"idle", "warm"})


@dataclass(frozen=True, slots=True)
class Row:
    """One session as it is shown. `coming` and `going` while it fades in or out; `reused` if it just got work again."""

    info: SessionInfo
    coming: bool = False
    going: bool = False
    reused: bool = False

    @property
    def resting(self) -> float | None:
        """How much of its idle time has passed, 0 to 1; None while it is busy. One that is kept on stays at 1."""
        if self.info.state not in RESTING:
            return None
        return min(1.0, self.info.idle / self.info.idle_timeout) if self.info.idle_timeout > 0 else 1.0


def settled(rows: Iterable[Row]) -> list[Row]:
    """The rows after every fade has ended."""
    return [replace(row, coming=False) for row in rows if not row.going]


def next_rows(rows: Sequence[Row], sessions: Iterable[SessionInfo]) -> list[Row]:
    """What becomes of the rows when these are the sessions: newest first; those that ended are `going`."""
    known = {row.info.number: row for row in rows if not row.going}
    after = {info.number: _next_row(known.get(info.number), info) for info in sessions}
    for number, row in known.items():
        if number not in after:
            after[number] = replace(row, coming=False, reused=False, going=True)
    return [after[number] for number in sorted(after, reverse=True)]


def _next_row(before: Row | None, info: SessionInfo) -> Row:
    if before is None:
        return Row(info, coming=True)
    return Row(info, reused=0 < before.info.served < info.served)


def state_word(state: str) -> str:
    """What a session does, in a word."""
    return {
        "active": translate("sessions", "busy"),
        "idle": translate("sessions", "idle"),
        "warm": translate("sessions", "ready"),
        "draining": translate("sessions", "draining"),
        "closed": translate("sessions", "closed"),
    }.get(state, state)


def headings() -> dict[str, str]:
    """The words above the columns of sessions, by the columns' names."""
    return {
        "number": translate("sessions", "Session"),
        "state": translate("sessions", "State"),
        "age": translate("sessions", "Age"),
        "now": translate("sessions", "Target or idle time"),
        "down": translate("sessions", "Down"),
        "up": translate("sessions", "Up"),
        "streams": translate("sessions", "Streams"),
    }


def masked_target(target: str) -> str:
    """A target without its host: the port alone still tells web from mail."""
    _, colon, port = target.rpartition(":")
    return f"{MASK}:{port}" if colon else MASK


def target_text(info: SessionInfo, *, masked: bool) -> str:
    """What a busy session carries now."""
    target = masked_target(info.target) if masked and info.target else info.target
    if info.open_streams > 1:
        return translate("sessions", "{target} and {number} more").format(target=target, number=info.open_streams - 1)
    return target


def idle_text(info: SessionInfo) -> str:
    """For how long it has rested, of how long it may: 12 s of 30 s. A pool keeps some longer, to have them ready."""
    return rest_text(info.idle, info.idle_timeout)


def rest_text(idle: float, timeout: float) -> str:
    """The same of these seconds."""
    kept = idle > timeout
    text = translate("sessions", "{idle}, kept open") if kept else translate("sessions", "{idle} of {timeout}")
    return text.format(idle=duration_text(idle), timeout=duration_text(timeout))


def spoken(row: Row, *, masked: bool) -> str:
    """The row in one sentence, for those who hear it."""
    info = row.info
    now = target_text(info, masked=masked) if row.resting is None else idle_text(info)
    text = translate("sessions", "Session {number}, {state}, {now}, age {age}, down {down}, up {up}, streams {streams}")
    return text.format(
        number=info.number,
        state=state_word(info.state),
        now=now,
        age=duration_text(info.age),
        down=format_bytes(info.down),
        up=format_bytes(info.up),
        streams=info.served,
    )


def details(info: SessionInfo, *, masked: bool) -> str:
    """What is known of a session beside its row: one line for each, for a tooltip or a screen reader."""
    lines = [
        (translate("sessions", "Session: {text}"), f"#{info.number}"),
        (translate("sessions", "Age: {text}"), duration_text(info.age)),
        (translate("sessions", "Server: {text}"), MASK if masked else info.server),
        (translate("sessions", "Handshake: {text}"), ms_text(info.handshake_ms)),
        (translate("sessions", "Encryption: {text}"), f"{tls_name(info.tls_version)}, {info.cipher}"),
        (translate("sessions", "Padding scheme: {text}"), info.padding),
        (translate("sessions", "Open streams: {text}"), str(info.open_streams)),
    ]
    return "\n".join(line.format(text=text) for line, text in lines)


def tls_name(version: str) -> str:
    """A version as people write it: TLS 1.3."""
    return version.replace("TLSv", "TLS ")


def pool_text(snapshot: Snapshot | None) -> str:
    """The pool in a line: how many sessions there are, how many work, how much they are reused."""
    if snapshot is None:
        return ""
    busy = sum(session.state in BUSY for session in snapshot.sessions)
    parts = [
        translate("sessions", "{number} open").format(number=len(snapshot.sessions)),
        translate("sessions", "{number} busy").format(number=busy),
    ]
    if snapshot.warming:
        parts.append(translate("sessions", "{number} connecting").format(number=snapshot.warming))
    if snapshot.sessions_made:
        parts.append(translate("sessions", "reuse {ratio}×").format(ratio=reuse_ratio(snapshot)))
    return " · ".join(parts)


def reuse_ratio(snapshot: Snapshot) -> str:
    """Streams that found a session in use before, for each session that was made: 0.4, 3.1, 31."""
    ratio = snapshot.sessions_reused / max(1, snapshot.sessions_made)
    return f"{ratio:.1f}" if round(ratio, 1) < 10 else f"{ratio:.0f}"


def reuse_text(snapshot: Snapshot) -> str:
    """What the ratio says, in a sentence."""
    text = translate("sessions", "Sessions made: {made}. Streams that found one in use before: {reused}.")
    return text.format(made=snapshot.sessions_made, reused=snapshot.sessions_reused)
