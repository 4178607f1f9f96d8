"""A certificate that was rejected, shown to somebody who may know it: its facts, a warning, the choice to pin it."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.client.trust import CertificateFacts, facts_of, to_look_at
from app.errors import CertificateRejected, PinMismatch
from app.storage.settings import PRIVACY
from app.texts import translate
from app.ui.base import card, column, label, set_role
from app.ui.bridge import Bridge
from app.ui.dialogs import Dialog
from app.ui.form_fields import align_start, wrapped
from app.ui.messages import Message
from app.ui.theme import ltr
from app.ui.tokens import GIANT, HUGE, TINY
from app.ui.widgets.amounts import distance_text
from app.ui.widgets.flow import Flow
from app.ui.widgets.stages import breakable, masked_sentence

_SHOWN: Final = 6  # names
_LINE: Final = 8  # bytes of a fingerprint, so that two of them stand side by side


class Fact(QFrame):
    """A title and below it what can be selected."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.title = label("faint")
        self.value = label(role, selectable=True) if role == "mono" else wrapped(role, selectable=True)
        self.setLayout(column(self.title, self.value, spacing=0))

    def say(self, title: str, value: str) -> None:
        """Set both."""
        for part in (self.title, self.value):
            align_start(part)
        self.title.setText(title)
        self.value.setText(value)
        self.value.setAccessibleName(title)


class CertificateQuestion(Dialog):
    """Whether `facts` are those of the server that is meant. `servers` is how many the profile has."""

    widest = 15 * GIANT  # two fingerprints fit side by side

    def __init__(
        self, parent: QWidget | None, failure: CertificateRejected, facts: CertificateFacts, servers: int = 1
    ) -> None:
        self._changed = isinstance(failure, PinMismatch)
        super().__init__(parent, [("trust", "danger" if self._changed else ""), ("", "primary")])
        self._failure, self._facts, self._servers = failure, facts, servers
        self.facts = {name: Fact() for name in ("subject", "issuer", "names", "from", "until")}
        self.pinned, self.shown, self.sha256 = Fact("mono"), Fact("mono"), Fact("mono")
        self.warning = wrapped("bad" if self._changed else "warn")
        self.several = wrapped("muted")
        self._lay_out()
        self.retranslate()

    def _lay_out(self) -> None:
        panel = card("panel")
        inside = panel.layout()
        assert isinstance(inside, QVBoxLayout)
        for fact in self.facts.values():
            inside.addWidget(fact)
        prints = QWidget()
        prints.setLayout(Flow(self.pinned, self.shown, self.sha256, spacing=HUGE))
        inside.addWidget(prints)
        self.pinned.setVisible(self._changed)
        self.shown.setVisible(self._changed and self._shows_key())
        self.several.setVisible(self._servers > 1)
        self.content.addWidget(panel)
        self.content.addLayout(column(self.warning, self.several, spacing=TINY))

    def retranslate(self) -> None:
        self.buttons["trust"].setText(self.tr("Trust this certificate"))
        self.buttons[""].setText(self.tr("Do not trust it"))
        if self._changed:
            self.say(self.tr("This is not the pinned certificate"), self._what_changed())
            text = self.tr(
                "Somebody on the way may be pretending to be the server, to read along and to take the password. "
                "Trust this certificate only if the server's owner tells you that it is the new one."
            )
        else:
            self.say(self.tr("Trust this certificate?"), str(self._failure))
            text = self.tr(
                "Compare the SHA-256 with what the server's owner tells you: anyone on the way could show "
                "a certificate of their own. A certificate that is trusted is pinned in the profile."
            )
        self.warning.setText(text)
        text = self.tr("The profile has {count} servers: all of them will have to show this one certificate.")
        self.several.setText(text.format(count=self._servers))
        self._say_facts()
        self._say_prints()

    def _what_changed(self) -> str:
        text = self.tr("{host} shows another certificate than the one that this profile trusts.")
        return text.format(host=self._failure.host)

    def _say_facts(self) -> None:
        facts, now = self._facts, time.time()
        self.facts["subject"].say(self.tr("Issued to"), facts.subject)
        issuer = self.tr("{issuer} (itself)") if facts.self_issued else "{issuer}"
        self.facts["issuer"].say(self.tr("Issued by"), issuer.format(issuer=facts.issuer))
        names = ", ".join(facts.names[:_SHOWN])
        more = len(facts.names) - _SHOWN
        text = self.tr("{names} and {count} more").format(names=names, count=more) if more > 0 else names
        self.facts["names"].say(self.tr("For"), text or self.tr("no name"))
        self.facts["from"].say(self.tr("Valid from"), _date(facts.not_before, now))
        self.facts["until"].say(self.tr("Valid until"), _date(facts.not_after, now))
        set_role(self.facts["from"].value, "bad" if now < facts.not_before.timestamp() else "")
        set_role(self.facts["until"].value, "bad" if now > facts.not_after.timestamp() else "")

    def _say_prints(self) -> None:
        self.sha256.say(self.tr("SHA-256"), _pairs(self._facts.sha256))
        if not isinstance(self._failure, PinMismatch):
            return
        key = self._shows_key()
        pinned = bytes.fromhex(self._failure.pinned)
        self.pinned.say(self.tr("Pinned: SHA-256 of the key") if key else self.tr("Pinned"), _pairs(pinned))
        self.shown.say(self.tr("Shown: SHA-256 of the key"), _pairs(self._facts.spki_sha256 or b""))
        if not key:
            self.sha256.say(self.tr("Shown: SHA-256"), _pairs(self._facts.sha256))

    def _shows_key(self) -> bool:
        """Whether it is the public key that is pinned."""
        mismatch = self._failure
        return isinstance(mismatch, PinMismatch) and mismatch.reason != self._facts.sha256.hex()


async def ask_to_trust(bridge: Bridge, entry_id: str, failure: CertificateRejected, parent: QWidget | None) -> bool:
    """Show what was rejected; pin it in the profile where it is trusted. Raises `Failure`; nothing has changed then."""
    facts = await facts_of(failure)
    servers = bridge.control.trusting(entry_id, failure).servers
    if await CertificateQuestion(parent, failure, facts, len(servers)).answer() != "trust":
        return False
    await bridge.control.trust(entry_id, failure)
    return True


def switch_to(bridge: Bridge, entry_id: str, parent: QWidget | None) -> None:
    """Make a profile the active one; where it shows a certificate that is rejected, offer to look at it."""

    async def work() -> None:
        try:
            await bridge.control.activate(entry_id)
        except CertificateRejected as failure:
            if to_look_at(failure) is None:
                raise
            offer_to_look(bridge, entry_id, failure, parent, lambda: switch_to(bridge, entry_id, parent))

    bridge.run(work(), "switch to a profile")


def offer_to_look(
    bridge: Bridge, entry_id: str, failure: CertificateRejected, parent: QWidget | None, again: Callable[[], None]
) -> None:
    """Say what was rejected, and show it where somebody presses the button; `again` follows where it is trusted."""

    async def look() -> None:
        if await ask_to_trust(bridge, entry_id, failure, parent):
            again()

    private = bridge.control.settings.get(PRIVACY)
    text = breakable(masked_sentence(failure) if private else str(failure))
    action = translate("certificate", "Look at the certificate…")
    bridge.message.emit(
        Message(text, "bad", action, lambda: bridge.run(look(), "look at a certificate"), key="certificate")
    )


def _pairs(digest: bytes) -> str:
    """Hexadecimal digits in pairs, on lines that are all of one length. The form takes a copy of it as a pin."""
    return "\n".join(digest[at : at + _LINE].hex(":").upper() for at in range(0, len(digest), _LINE))


def _date(when: datetime, now: float) -> str:
    try:
        text = f"{when.astimezone():%Y-%m-%d %H:%M}"
    except (OverflowError, OSError):  # the end of 9999, which stands for none, is no year here; Windows begins in 1970
        text = f"{when:%Y-%m-%d %H:%M} UTC"
    return f"{ltr(text)} ({distance_text(when.timestamp() - now)})"
