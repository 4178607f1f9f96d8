"""The stages of connecting in words: how far it came, and what helps where it did not. No Qt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal

from app.client.trust import to_look_at
from app.engine.stages import StageResult
from app.errors import (
    AlpnRefused,
    BadInput,
    CertificateRejected,
    CertificateUnknownIssuer,
    CertificateWrongName,
    ClientCertificateRefused,
    ClockWrong,
    EchFailed,
    Failure,
    HandshakeClosed,
    ListenFailed,
    NameNotResolved,
    NameRefused,
    TlsVersionRefused,
    VaultFailed,
)
from app.texts import translate
from app.ui.widgets.amounts import ms_text
from app.wording import stage_name

Look = Literal["waiting", "running", "done", "failed"]
Help = Literal["retry", "edit", "logs", "settings", "certificate"]

MASK: Final = "•••"
"""What stands for a host name where names are hidden."""

ASKED: Final = ("tcp", "tls", "authentication")
"""The stages that every connection goes through; "page" comes last where a page is asked for."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as it is shown; `ms` only where it is done."""

    name: str
    look: Look
    ms: float = 0.0


_OF_THE_PROFILE: Final = (
    *(BadInput, NameNotResolved, VaultFailed, CertificateRejected, EchFailed),
    *(TlsVersionRefused, AlpnRefused, NameRefused, ClientCertificateRefused, HandshakeClosed),
)
"""What an option of the profile most likely is the reason of."""

_NAMES_IN_REASON: Final = (CertificateWrongName, CertificateUnknownIssuer, NameRefused)

_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")


def stages(results: Sequence[StageResult], asked: Sequence[str], *, running: bool) -> list[Stage]:
    """What to show for the results so far, when `asked` are the stages to come; a name is told only if it failed."""
    known = {result.name: result for result in results}
    names = [name for name in ("dns", *asked) if name in asked or not _is_fine(known.get(name))]
    shown: list[Stage] = []
    under_way = running
    for name in names:
        result = known.get(name)
        if result is not None:
            shown.append(Stage(name, "done" if result.ok else "failed", result.ms))
            under_way = under_way and result.ok
        else:
            shown.append(Stage(name, "running" if under_way else "waiting"))
            under_way = False
    return shown


def _is_fine(result: StageResult | None) -> bool:
    return result is None or result.ok


def stage_text(stage: Stage) -> str:
    """A stage in words, as a screen reader says it."""
    text = {
        "waiting": translate("stages", "{stage}: not yet"),
        "running": translate("stages", "{stage}: under way"),
        "done": translate("stages", "{stage}: works, {ms}"),
        "failed": translate("stages", "{stage}: failed"),
    }[stage.look]
    return text.format(stage=stage_name(stage.name), ms=ms_text(stage.ms))


def help_for(failure: Failure) -> Help:
    """What most likely helps: another try, a look at the certificate, at the profile, at the settings, at the log."""
    if isinstance(failure, ListenFailed):
        return "settings"
    if to_look_at(failure) is not None:
        return "certificate"
    if isinstance(failure, ClockWrong):
        return "retry"
    if isinstance(failure, _OF_THE_PROFILE):
        return "edit"
    stage = getattr(failure, "stage", "")
    return {"authentication": "edit", "tls": "logs", "stream": "logs"}.get(stage, "retry")  # type: ignore[return-value]  # the dict has no other values


def masked_sentence(failure: Failure) -> str:
    """A failure in words, without the hosts and names that are in it."""
    sentence = str(failure)
    named = ("host", "url", "name", "reason") if isinstance(failure, _NAMES_IN_REASON) else ("host", "url", "name")
    for field in fields(failure):
        value = getattr(failure, field.name)
        if field.name in named and value:
            sentence = sentence.replace(str(value), MASK)
    return sentence


def breakable(sentence: str) -> str:
    """A sentence whose SHA-256s may be broken where there is little room."""
    return _DIGEST.sub(lambda digest: "\u200b".join(re.findall(".{8}", digest[0])), sentence)
