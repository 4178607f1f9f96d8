"""Tests of profiles that are under way: started together, each shown as it ends."""

from collections.abc import Sequence
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from app.client.trust import to_look_at
from app.errors import Failure, PasswordMissing, UnlockCancelled
from app.ui.bridge import Bridge
from app.ui.messages import Message, for_failure


class ProfileTests(QObject):
    """`under_way` has the ids that are being tested; `changed` follows it.

    `rejected` comes with the id and the failure where one alone was tested and showed a certificate to look at.
    """

    changed = Signal()
    rejected = Signal(str, object)  # a CertificateRejected

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.under_way: set[str] = set()

    def start(self, ids: Sequence[str]) -> None:
        """Test these. Where several are asked for, those whose password has to be typed each time are left out."""
        known = {entry.id for entry in self._bridge.control.profiles.entries}
        wanted = [one for one in ids if one in known and one not in self.under_way]
        if wanted:
            self.under_way.update(wanted)
            self.changed.emit()
            self._bridge.run(self._test(wanted), "test profiles")

    async def _test(self, ids: Sequence[str]) -> None:
        ready = list(ids) if len(ids) == 1 else await self._unlocked(ids)
        for one in ready:
            self._bridge.run(self._test_one(one, alone=len(ids) == 1), "test a profile")

    async def _unlocked(self, ids: Sequence[str]) -> list[str]:
        """Those whose password is known; the vault is unlocked by the first, so that nobody is asked for each."""
        ready: list[str] = []
        try:
            for one in ids:
                with suppress(PasswordMissing):
                    await self._bridge.control.profiles.passwords(one)
                    ready.append(one)
        except Failure:
            self._ended(*ids)
            raise
        if missing := [one for one in ids if one not in ready]:
            self._ended(*missing)
            text = self.tr("Profiles whose password is asked for each time are tested one by one.")
            self._bridge.message.emit(Message(text, key="tests"))
        return ready

    async def _test_one(self, entry_id: str, *, alone: bool) -> None:
        try:
            results = await self._bridge.control.test(entry_id)
            failure = to_look_at(next((result.error for result in results if not result.ok), None))
            if alone and failure is not None:
                self.rejected.emit(entry_id, failure)
        except UnlockCancelled:
            pass
        except Failure as failure:
            self._bridge.message.emit(for_failure(failure))
        finally:
            self._ended(entry_id)

    def _ended(self, *ids: str) -> None:
        self.under_way.difference_update(ids)
        self.changed.emit()
