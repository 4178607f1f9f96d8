"""The vault: passwords are sealed under one key, kept where the person wants it, and never silently lost or plain."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.errors import (
    BadFile,
    Failure,
    KeyringDenied,
    KeyringLocked,
    KeyringMissing,
    PasswordMissing,
    UnlockCancelled,
    VaultFailed,
    VaultKeyLost,
    WrongMasterPassword,
)
from app.storage import passwords, sealing, vault_worker
from app.storage.document import Document
from app.storage.passwords import KeyringState, Place, Protection, Vault
from app.storage.vault_worker import Open, Request, Seal
from tests.fakes.keyring_session import MemoryKeyring, keyring_session
from tests.fakes.questions import Answers
from tests.fakes.vault_here import ask_here

ID = "0123456789abcdef" * 2
HERE = Place(ID, 0)
SECRET = "correct horse battery staple ü"
MASTER = "one password to open them"

NO_KEYRING = [KeyringMissing(), KeyringLocked(), KeyringDenied()]
no_keyring = pytest.mark.parametrize("failure", NO_KEYRING, ids=lambda failure: type(failure).__name__)


pytestmark = pytest.mark.usefixtures("vault_here")


@pytest.fixture(autouse=True)
def quick_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheapest key derivation that a file may ask for; test_sealing has the real one."""
    monkeypatch.setattr(vault_worker, "wrap", _wrapped)


def _wrapped(key: bytes, password: str) -> sealing.Wrapped:
    cheap = sealing.Wrapped(salt=b"s" * 16, memory_kib=1024, rounds=1, lanes=1)
    sealed = sealing.encrypt(sealing._derived(password, cheap), key, sealing._WRAP_LABEL)
    return msgspec.structs.replace(cheap, key=sealed)


class Home:
    """A folder with a vault's file, a keyring, and a person; `vault()` is what a new start of the program makes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vault.json"
        self.keyring = MemoryKeyring()
        self.person = Answers()

    def vault(self) -> Vault:
        return Vault(self.path, self.person, self.keyring)

    async def opened(self) -> Vault:
        vault = self.vault()
        await vault.unlock()
        return vault

    def files(self) -> bytes:
        return b"".join(entry.read_bytes() for entry in sorted(self.path.parent.iterdir()) if entry.is_file())

    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = msgspec.json.decode(self.path.read_bytes())
        return content


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def sealed_by(vault: Vault, place: Place = HERE) -> bytes:
    sealed = (await vault.seal({place: SECRET})).get(place)
    assert sealed is not None
    return sealed


async def opened_by(vault: Vault, sealed: bytes | None, place: Place = HERE, name: str = "") -> str:
    if sealed is not None:
        await vault.open({place: sealed})
    return vault.opened(place, sealed, name)


# ---- the keyring


async def test_the_keyring_is_taken_where_there_is_one_and_nobody_is_asked(home: Home) -> None:
    vault = home.vault()
    assert (vault.protection, vault.is_open) == (None, False)
    await vault.unlock()
    assert (vault.protection, vault.is_open) == (Protection.KEYRING, True)
    assert home.person.asked == []
    assert home.keyring.key is not None
    assert len(home.keyring.key) == 32


async def test_what_is_sealed_is_opened_after_a_restart_with_one_call_of_the_keyring(home: Home) -> None:
    sealed = await sealed_by(await home.opened())
    home.keyring.calls.clear()
    again = await home.opened()
    assert await opened_by(again, sealed) == SECRET
    assert [await opened_by(again, sealed) for _ in range(500)] == [SECRET] * 500
    await again.unlock()
    assert home.keyring.calls == ["get"]


async def test_looking_at_the_file_asks_nobody(home: Home) -> None:
    await home.opened()
    home.keyring.calls.clear()
    vault = home.vault()
    await vault.load()
    assert (vault.protection, vault.is_open, vault.warning) == (Protection.KEYRING, False, "")
    assert await vault.keyring_state() is KeyringState.AVAILABLE
    assert home.keyring.calls == []


async def test_an_open_keyring_is_used_where_nobody_may_be_asked(home: Home) -> None:
    vault = home.vault()
    assert not await vault.unlock_unasked()  # the first key is made when there is something to seal
    assert home.keyring.calls == []
    await vault.unlock()
    vault.lock()
    assert await vault.unlock_unasked()
    home.keyring.calls.clear()
    assert await vault.unlock_unasked()
    vault.lock()
    home.keyring.failure = KeyringLocked()
    assert not await vault.unlock_unasked()
    assert home.keyring.calls == []
    home.keyring.failure, home.keyring.key = None, None
    assert not await vault.unlock_unasked()
    assert home.person.asked == []


async def test_no_secret_stands_in_the_file(home: Home) -> None:
    vault = await home.opened()
    await sealed_by(vault)
    key = home.keyring.key or b""
    assert key not in home.files()
    assert msgspec.json.encode(key).strip(b'"') not in home.files()
    assert key.hex() not in repr(vault) + str(vars(vault)["_record"])


async def test_many_callers_share_one_question(home: Home) -> None:
    await home.opened()
    home.keyring.calls.clear()
    vault = home.vault()
    await asyncio.gather(*(vault.unlock() for _ in range(20)))
    assert home.keyring.calls == ["get"]


async def test_a_key_that_another_vault_keeps_there_is_taken_and_not_replaced(home: Home) -> None:
    home.keyring.key = bytes(range(32))
    await home.opened()
    assert home.keyring.key == bytes(range(32))
    assert "put" not in home.keyring.calls


@no_keyring
async def test_a_keyring_that_fails_later_says_so_and_nothing_is_replaced(home: Home, failure: Failure) -> None:
    sealed = await sealed_by(await home.opened())
    home.keyring.failure = failure
    vault = home.vault()
    with pytest.raises(type(failure)):
        await vault.unlock()
    assert not vault.is_open
    with pytest.raises(VaultFailed):
        await opened_by(vault, sealed)
    with pytest.raises(VaultFailed):
        await vault.seal({HERE: "x"})
    assert home.person.asked == []
    home.keyring.failure = None
    await vault.unlock()
    assert await opened_by(vault, sealed) == SECRET


@pytest.mark.parametrize("found", [None, bytes(32)], ids=["gone", "another"])
async def test_a_lost_key_is_told_and_never_silently_replaced(home: Home, found: bytes | None) -> None:
    sealed = await sealed_by(await home.opened())
    home.keyring.key = found
    home.keyring.calls.clear()
    vault = home.vault()
    for _ in range(2):
        with pytest.raises(VaultKeyLost, match="no longer in the system's keyring"):
            await vault.unlock()
    assert "put" not in home.keyring.calls
    assert home.keyring.key == found

    await vault.start_over()
    assert vault.is_open
    with pytest.raises(PasswordMissing):
        await opened_by(vault, sealed)
    fresh = await sealed_by(vault)
    assert await opened_by(await home.opened(), fresh) == SECRET


async def test_a_key_that_comes_back_opens_everything_again(home: Home) -> None:
    sealed = await sealed_by(await home.opened())
    key, home.keyring.key = home.keyring.key, None
    vault = home.vault()
    with pytest.raises(VaultKeyLost):
        await vault.unlock()
    home.keyring.key = key
    await vault.unlock()
    assert await opened_by(vault, sealed) == SECRET


async def test_a_person_who_cancels_the_keyring_is_asked_nothing_else(home: Home) -> None:
    home.keyring.failure = UnlockCancelled()
    vault = home.vault()
    with pytest.raises(UnlockCancelled):
        await vault.unlock()
    assert home.person.asked == []
    assert (vault.protection, home.path.exists()) == (None, False)


async def test_locked_again_it_asks_again(home: Home) -> None:
    vault = await home.opened()
    sealed = await sealed_by(vault)
    vault.lock()
    assert not vault.is_open
    with pytest.raises(VaultFailed):
        await opened_by(vault, sealed)
    await vault.unlock()
    assert await opened_by(vault, sealed) == SECRET


# ---- what is sealed


async def test_everything_is_sealed_and_opened_in_one_go(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []

    async def ask(request: Request, kind: Any, seconds: float) -> Any:
        requests.append(request)
        return await ask_here(request, kind, seconds)

    monkeypatch.setattr(passwords, "ask", ask)
    secrets = {Place(f"{number:032}", server): f"{number} {server}" for number in range(50) for server in range(2)}
    vault = await home.opened()
    sealed = await vault.seal(secrets)
    assert {place: vault.opened(place, one) for place, one in sealed.items()} == secrets
    vault = await home.opened()
    await asyncio.gather(*(vault.open(sealed) for _ in range(20)))
    assert {place: vault.opened(place, one) for place, one in sealed.items()} == secrets
    assert [type(request) for request in requests] == [Seal, Open]
    await vault.open(sealed | {HERE: b"what nothing opens has been tried once as well"})
    await vault.open({HERE: b"what nothing opens has been tried once as well"})
    assert len(requests) == 3


async def test_what_was_opened_is_forgotten_with_its_key(home: Home) -> None:
    vault = await home.opened()
    sealed = await sealed_by(vault)
    home.keyring.key = None
    await vault.start_over()
    with pytest.raises(PasswordMissing):
        vault.opened(HERE, sealed)


async def test_what_was_opened_of_a_profile_is_let_go_with_it(home: Home) -> None:
    vault = await home.opened()
    sealed, other = await sealed_by(vault), await sealed_by(vault, Place("f" * 32, 0))
    vault.forget([ID])
    assert not vault.has_opened({HERE: sealed})
    assert vault.opened(Place("f" * 32, 0), other) == SECRET
    assert await opened_by(vault, sealed) == SECRET


async def test_what_is_sealed_while_the_key_changes_is_sealed_with_the_new_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await home.opened()
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def ask(request: Request, kind: Any, seconds: float) -> Any:
        began.set()
        await goes_on.wait()
        return await ask_here(request, kind, seconds)

    monkeypatch.setattr(passwords, "ask", ask)
    sealing_it = asyncio.create_task(sealed_by(vault))
    await began.wait()
    home.keyring.key = None
    await vault.start_over()
    goes_on.set()
    sealed = await sealing_it
    assert await opened_by(await home.opened(), sealed) == SECRET


async def test_a_worker_that_takes_too_long_is_a_failure(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_request: Request, _kind: Any, _seconds: float) -> Any:
        raise TimeoutError

    vault = await home.opened()
    sealed = await sealed_by(vault)
    vault.lock()
    await vault.unlock()
    monkeypatch.setattr(passwords, "ask", ask)
    with pytest.raises(VaultFailed):
        await vault.open({HERE: sealed})
    with pytest.raises(VaultFailed):
        await sealed_by(vault)
    before = home.files()
    home.person.master = [MASTER]
    with pytest.raises(VaultFailed):
        await vault.change_protection(Protection.MASTER)
    assert home.files() == before


async def test_a_sealed_password_is_bound_to_its_place(home: Home) -> None:
    vault = await home.opened()
    sealed = await sealed_by(vault)
    for entry_id, index in ((ID, 1), ("f" * 32, 0), (ID + "\0", 0)):
        with pytest.raises(PasswordMissing):
            await opened_by(vault, sealed, Place(entry_id, index))
    with pytest.raises(PasswordMissing):
        await opened_by(vault, sealed[:-1])


async def test_a_missing_password_is_named(home: Home) -> None:
    vault = await home.opened()
    with pytest.raises(PasswordMissing) as caught:
        await opened_by(vault, None, name="Berlin")
    assert str(caught.value) == "The password of “Berlin” is not known; it has to be entered."


async def test_the_password_is_nowhere_in_what_is_sealed(home: Home) -> None:
    assert SECRET.encode() not in await sealed_by(await home.opened())


# ---- a master password


@no_keyring
async def test_without_a_keyring_the_person_chooses_a_master_password(home: Home, failure: Failure) -> None:
    home.keyring.failure = failure
    home.person.protection, home.person.master = Protection.MASTER, [MASTER]
    sealed = await sealed_by(await home.opened())
    assert home.person.asked == ["protection", "master new"]
    assert home.content()["protection"] == "master"
    assert MASTER.encode() not in home.files()

    home.person.asked, home.person.master = [], ["wrong", MASTER]
    vault = await home.opened()
    assert home.person.asked == ["master", "master wrong"]
    assert await opened_by(vault, sealed) == SECRET


@pytest.mark.parametrize("answer", [None, ""])
async def test_a_cancelled_master_password_changes_nothing(home: Home, answer: str | None) -> None:
    home.keyring.failure = KeyringMissing()
    home.person.protection, home.person.master = Protection.MASTER, [answer]
    vault = home.vault()
    with pytest.raises(UnlockCancelled):
        await vault.unlock()
    assert (vault.protection, vault.is_open, home.path.exists()) == (None, False, False)


async def test_no_choice_is_a_cancelled_unlock(home: Home) -> None:
    home.keyring.failure = KeyringMissing()
    vault = home.vault()
    with pytest.raises(UnlockCancelled):
        await vault.unlock()
    assert home.person.asked == ["protection"]
    assert not home.path.exists()


async def with_master(home: Home) -> bytes:
    """A vault under MASTER, and what it has sealed."""
    home.person.master = [MASTER]
    vault = home.vault()
    await vault.change_protection(Protection.MASTER)
    return await sealed_by(vault)


async def test_one_who_always_says_the_wrong_one_comes_to_an_end(home: Home) -> None:
    await with_master(home)
    home.person.master = ["wrong"] * 100
    with pytest.raises(WrongMasterPassword):
        await home.opened()
    assert len(home.person.master) == 95


async def test_the_way_out_of_wrong_master_passwords_is_to_cancel(home: Home) -> None:
    await with_master(home)
    home.person.master = ["wrong", None]
    with pytest.raises(UnlockCancelled):
        await home.opened()


async def test_a_forgotten_master_password_is_a_new_beginning(home: Home) -> None:
    sealed = await with_master(home)
    home.person.master = ["new one"]
    vault = home.vault()
    await vault.start_over()
    assert vault.protection is Protection.MASTER
    with pytest.raises(PasswordMissing):
        await opened_by(vault, sealed)
    home.person.master = ["new one"]
    assert (await home.opened()).is_open


async def test_a_changed_master_password_leaves_no_copy_for_the_old_one(home: Home) -> None:
    sealed = await with_master(home)
    home.person.master = [MASTER, "new one"]
    await home.vault().change_protection(Protection.MASTER)
    copies = [path for path in home.path.parent.iterdir() if path.is_file()]
    assert len(copies) == 4
    assert len({path.read_bytes() for path in copies}) == 1
    home.person.master = [MASTER, "new one"]
    assert await opened_by(await home.opened(), sealed) == SECRET
    assert home.person.asked[-2:] == ["master", "master wrong"]


# ---- ask each time


async def test_under_ask_nothing_is_kept(home: Home) -> None:
    home.keyring.failure = KeyringMissing()
    home.person.protection = Protection.ASK
    vault = await home.opened()
    assert (vault.protection, vault.is_open) == (Protection.ASK, True)
    assert await vault.seal({HERE: SECRET}) == {}
    with pytest.raises(PasswordMissing):
        await opened_by(vault, None)
    assert home.content() == {"version": 1, "protection": "ask"}


async def test_under_ask_what_an_older_key_sealed_cannot_be_opened(home: Home) -> None:
    sealed = await sealed_by(await home.opened())
    await home.vault().change_protection(Protection.ASK)
    assert home.keyring.key is None
    with pytest.raises(PasswordMissing):
        await opened_by(await home.opened(), sealed)


# ---- changing


async def test_the_key_is_the_same_wherever_it_is_kept(home: Home) -> None:
    vault = await home.opened()
    sealed, key = await sealed_by(vault), home.keyring.key
    home.person.master = [MASTER]
    await vault.change_protection(Protection.MASTER)
    assert home.keyring.key is None
    assert await opened_by(vault, sealed) == SECRET
    home.person.master = [MASTER]
    again = await home.opened()
    await again.change_protection(Protection.KEYRING)
    assert home.keyring.key == key
    assert await opened_by(await home.opened(), sealed) == SECRET


async def test_a_change_to_ask_and_back_within_one_run_loses_nothing(home: Home) -> None:
    vault = await home.opened()
    sealed = await sealed_by(vault)
    await vault.change_protection(Protection.ASK)
    assert await opened_by(vault, sealed) == SECRET
    await vault.change_protection(Protection.KEYRING)
    assert await opened_by(await home.opened(), sealed) == SECRET


async def test_a_cancelled_change_changes_nothing(home: Home) -> None:
    vault = await home.opened()
    sealed = await sealed_by(vault)
    with pytest.raises(UnlockCancelled):
        await vault.change_protection(Protection.MASTER)
    assert vault.protection is Protection.KEYRING
    assert await opened_by(await home.opened(), sealed) == SECRET


@no_keyring
async def test_a_change_to_a_keyring_that_fails_changes_nothing(home: Home, failure: Failure) -> None:
    sealed = await with_master(home)
    home.keyring.failure = failure
    home.person.master = [MASTER] * 2
    with pytest.raises(type(failure)):
        await home.vault().change_protection(Protection.KEYRING)
    assert await opened_by(await home.opened(), sealed) == SECRET


async def test_a_key_that_stays_behind_in_the_keyring_stops_no_change(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise KeyringLocked

    vault = await home.opened()
    monkeypatch.setattr(home.keyring, "delete", refuse)
    home.person.master = [MASTER]
    await vault.change_protection(Protection.MASTER)
    assert vault.protection is Protection.MASTER


async def test_a_lost_key_without_any_keyring_is_a_choice_again(home: Home) -> None:
    await home.opened()
    home.keyring.failure = KeyringMissing()
    home.person.protection, home.person.master = Protection.MASTER, [MASTER]
    vault = home.vault()
    await vault.start_over()
    assert home.person.asked == ["protection", "master new"]
    assert vault.protection is Protection.MASTER


# ---- the file


async def test_a_damaged_file_falls_back_to_its_copy(home: Home) -> None:
    sealed = await with_master(home)
    home.path.write_bytes(b"\0" * 100)
    home.person.master = [MASTER]
    vault = await home.opened()
    assert await opened_by(vault, sealed) == SECRET
    assert "its older copy vault.json.1 is used" in vault.warning


async def test_with_all_copies_damaged_the_keyrings_key_still_opens_everything(home: Home) -> None:
    sealed = await sealed_by(await home.opened())
    for path in home.path.parent.iterdir():
        path.write_bytes(b"")
    assert await opened_by(await home.opened(), sealed) == SECRET


@pytest.mark.parametrize(
    "content",
    [
        {"protection": "quantum"},
        {"protection": "master", "wrapped": {"salt": "AAAA", "key": "AAAA", "memory_kib": 10**9}},
        {"fingerprint": 5},
    ],
    ids=str,
)
async def test_a_file_that_is_not_understood_is_neither_used_nor_overwritten(
    home: Home, content: dict[str, Any]
) -> None:
    raw = msgspec.json.encode({"version": 1} | content)
    home.path.write_bytes(raw)
    vault = home.vault()
    await vault.load()
    assert "this version does not understand it" in vault.warning
    for call in (vault.unlock, vault.start_over, lambda: vault.change_protection(Protection.ASK)):
        with pytest.raises(BadFile):
            await call()
    assert home.path.read_bytes() == raw
    assert home.keyring.calls == []


async def test_a_newer_versions_file_is_left_alone(home: Home) -> None:
    home.path.write_bytes(b'{"version": 2}')
    vault = home.vault()
    await vault.load()
    assert "a newer version" in vault.warning
    with pytest.raises(BadFile, match="a newer version"):
        await vault.unlock()
    assert home.path.read_bytes() == b'{"version": 2}'


async def test_a_newer_versions_field_survives(home: Home) -> None:
    home.path.write_bytes(b'{"version": 1, "hint": "x"}')
    await home.opened()
    assert home.content()["hint"] == "x"
    assert home.content()["protection"] == "keyring"


async def test_a_disk_that_refuses_keeps_the_vault_closed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Document, _content: object, **_more: object) -> None:
        raise BadFile("no space left on device", "vault.json")

    vault = home.vault()
    with monkeypatch.context() as patched:
        patched.setattr(Document, "save", full)
        with pytest.raises(BadFile):
            await vault.unlock()
    assert (vault.protection, vault.is_open) == (None, False)
    key = home.keyring.key
    await vault.unlock()
    assert home.keyring.key == key


async def test_copies_that_cannot_be_renewed_are_logged(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = Document.save, []

    def once(self: Document, content: dict[str, Any], **_more: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise BadFile("no space left on device", "vault.json")
        real(self, content)

    monkeypatch.setattr(Document, "save", once)
    assert (await home.opened()).is_open
    assert "no space left on device" in caplog.text


# ---- a real keyring


async def test_with_a_real_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    with keyring_session(folder, "unlocked", monkeypatch) as session:
        person = Answers()
        vault = Vault(tmp_path / "vault.json", person)
        assert await vault.keyring_state() is KeyringState.AVAILABLE
        await vault.unlock()
        sealed = await sealed_by(vault)
        again = Vault(tmp_path / "vault.json", person)
        await again.unlock()
        assert await opened_by(again, sealed) == SECRET

        session.lock()
        third = Vault(tmp_path / "vault.json", person)
        assert await third.keyring_state() is KeyringState.LOCKED
        with pytest.raises(KeyringLocked):
            await third.unlock()
        assert await opened_by(again, sealed) == SECRET

        session.stop_daemon()
        assert await third.keyring_state() is KeyringState.MISSING
        with pytest.raises(KeyringMissing):
            await third.unlock()
        assert person.asked == []
