"""`on`, `off`, `toggle`, `switch`, `status`, `quit` and `import`: what is asked of the instance that runs.

Links are handed over on its socket, so that they stand in no list of processes for longer than the shell needs.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from app.cli.output import say, say_json, warn
from app.cli.run import log_to_stderr, run_once
from app.client.adding import add_all, told
from app.client.importing import MAX_TEXT, Candidate, candidates, text_of_file
from app.client.profiles import Profiles
from app.errors import (
    BadInput,
    KeyringDenied,
    KeyringLocked,
    KeyringMissing,
    NotAnswering,
    NotRunning,
    UnlockCancelled,
)
from app.storage.passwords import KeyringState, Protection, Vault
from app.storage.paths import config_dir
from app.storage.profile_file import ProfileFile
from app.system.arguments import hide_links
from app.system.instance import ask, is_running
from app.system.resources import forbid_core_dumps
from app.texts import translate
from app.traffic.rates import format_bytes

# Seconds. Verbs may have to wait for a server's answers, or for somebody who is asked for a password.
_ANSWER: Final = 10.0
_VERB: Final = 120.0
_CONNECTED: Final = 60.0
_GONE: Final = 10.0
_PAUSE: Final = 0.1

_TOKENS: Final = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")


def verb_command(arguments: argparse.Namespace) -> int:
    """Carry out `on`, `off`, `toggle` or `switch`, and wait for what comes of it; 1 where that is a failure."""
    request = {"verb": arguments.verb}
    if arguments.verb == "switch":
        request["name"] = arguments.name
    status = ask(request, _VERB)["status"]
    deadline = time.monotonic() + _CONNECTED
    while status["state"] == "connecting" and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        status = ask({"verb": "status"}, _ANSWER)["status"]
    _tell(status)
    return 1 if status["state"] == "failed" else 0


def status_command(arguments: argparse.Namespace) -> int:
    """Say what the running instance does."""
    status = ask({"verb": "status"}, _ANSWER)["status"]
    if arguments.json:
        say_json(**status)
    else:
        _tell(status)
    return 0


def quit_command(_arguments: argparse.Namespace) -> int:
    """End the running instance, and wait until it is gone."""
    ask({"verb": "quit"}, _ANSWER)
    deadline = time.monotonic() + _GONE
    while is_running():
        if time.monotonic() > deadline:
            raise NotAnswering
        time.sleep(_PAUSE)
    return 0


def import_command(arguments: argparse.Namespace) -> int:
    """Add what is given, or show what it would add; 1 where something of it could not be."""
    log_to_stderr(arguments.log_level or "warning")
    texts = texts_of(arguments.sources)
    try:
        return _import_there(texts, arguments.yes)
    except NotAnswering:
        raise  # two programs would write one file
    except NotRunning:
        return run_once(_import_here(texts)) if arguments.yes else preview(texts)


def is_source(word: str) -> bool:
    """Whether a word of the command line is a link or a file, and so no verb."""
    if _is_link(word):
        return True
    with suppress(OSError):  # too long for a name
        return Path(word).is_file()
    return False


def texts_of(sources: Sequence[str]) -> tuple[str, ...]:
    """What links, files and “-” for standard input hold; all links make one text. Raises `BadFile`."""
    links = "\n".join(filter(_is_link, sources))
    if links:
        hide_links()
    others = (source for source in sources if not _is_link(source))
    texts = (_stdin() if source == "-" else text_of_file(Path(source)) for source in others)
    return tuple(filter(None, (links, *texts)))


def hand_over(texts: Sequence[str]) -> bool:
    """Bring the running instance's window to the front, with the preview of what the texts hold; whether one runs."""
    token = next(filter(None, map(os.environ.get, _TOKENS)), "")
    try:
        if not texts:
            ask({"verb": "show", "activation": token}, _ANSWER)
        for text in texts:
            ask({"verb": "import", "text": text, "activation": token}, _ANSWER)
    except NotAnswering:
        raise
    except NotRunning:
        return False
    return True


def preview(texts: Sequence[str]) -> int:
    """Say what the texts would add; nothing is kept."""
    found = _found(texts)
    for one in found:
        if one.profile is None:
            warn(f"{one.source}: {one.problem}" if one.source else one.problem)
            continue
        say(f"{one.profile.name}: {', '.join(map(str, one.profile.servers))}")
        for sentence in told(one):
            say(f"  {sentence}")
    if any(one.profile for one in found):
        say(translate("cli", "Nothing was added; --yes adds it."))
    return 1 if any(one.profile is None for one in found) else 0


# ---- inside


def _stdin() -> str:
    try:
        return sys.stdin.read(MAX_TEXT + 1)
    except UnicodeDecodeError:
        raise BadInput(translate("cli", "what comes by standard input is no text")) from None


def _is_link(word: str) -> bool:
    return word.lower().startswith("anytls://")


def _import_there(texts: Sequence[str], yes: bool) -> int:
    if not yes:
        if not hand_over(texts):
            raise NotRunning
        say(translate("cli", "The window of AnyTLS Tray shows what would be added."))
        return 0
    code = 0
    for text in texts:
        code = max(code, _say_added(ask({"verb": "import", "text": text, "yes": True}, _VERB)))
    return code


async def _import_here(texts: Sequence[str]) -> int:
    """Without a running instance: the same files are written, and nobody is there to be asked anything."""
    forbid_core_dumps()  # here and of the vault's worker, which inherits it
    found = _found(texts)
    folder = config_dir()
    vault = Vault(folder / "vault.json", _Nobody())
    profiles = Profiles(ProfileFile(folder / "profiles.json"), vault)
    await profiles.load()
    for warning in filter(None, (profiles.warning, vault.warning)):
        warn(warning)
    try:
        added = await add_all(found, profiles)
    except UnlockCancelled:  # by `_Nobody`, who was asked because the keyring cannot be used
        reasons = {KeyringState.LOCKED: KeyringLocked, KeyringState.DENIED: KeyringDenied}
        raise reasons.get(await vault.keyring_state(), KeyringMissing)() from None
    if added.added and vault.protection is Protection.ASK:
        warn(translate("cli", "The password is not kept, as you chose; the window will ask for it."))
    return _say_added(asdict(added))


def _found(texts: Sequence[str]) -> list[Candidate]:
    found = [one for text in texts for one in candidates(text)]
    if not found:
        raise BadInput(translate("cli", "there is no anytls:// link in it"))
    return found


def _say_added(report: dict[str, Any]) -> int:
    for name in report["added"]:
        say(translate("cli", "Added: {name}").format(name=name))
    for name in report["known"]:
        say(translate("cli", "Known already: {name}").format(name=name))
    for sentence in (*report["notes"], *report["refused"]):
        warn(sentence)
    return 1 if report["refused"] else 0


def _tell(status: dict[str, Any]) -> None:
    words = (status["state"], status["profile"], status["listen"])
    say(" · ".join(word for word in words if word))
    if status["state"] != "off":
        text = translate("cli", "sent: {up}, received: {down}, sessions: {sessions}")
        up, down = format_bytes(status["up"]), format_bytes(status["down"])
        say(text.format(up=up, down=down, sessions=len(status["sessions"])))
    if status.get("error"):
        warn(status["error"])


class _Nobody:
    """Is asked in vain."""

    async def choose_protection(self) -> Protection | None:
        return None

    async def master_password(self, new: bool, wrong: bool) -> str | None:
        raise BadInput(translate("cli", "the master password can be given in the window alone"))

    async def profile_password(self, name: str) -> str | None:
        return None
