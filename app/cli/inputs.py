"""What commands are given: links, configurations, passwords, addresses. All errors are one sentence."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from app.errors import BadFile, BadInput
from app.protocols.address import Address, BadAddress, parse_host_port
from app.sharing.links import Imported, parse_link
from app.sharing.v2ray import MAX_CONFIG, parse_v2ray
from app.storage.files import read_limited
from app.texts import translate
from app.wording import reason_of

LOCAL_PORT: Final = 1080
"""Where the local proxy listens unless it is told another port."""

# A link is read from a pipe up to here; `parse_link` refuses longer ones itself.
_MAX_LINK: Final = 128 * 1024
_MAX_PASSWORDS: Final = 1024 * 1024


def address(text: str) -> Address:
    """HOST:PORT, for argparse; port 0 means a free one."""
    try:
        return parse_host_port(text)
    except BadAddress as error:
        raise argparse.ArgumentTypeError(reason_of(error)) from None


def imported(link: str | None, config: str | None) -> Imported:
    """The profile from a link, from standard input where it is `-`, or from a configuration file."""
    if (link is None) == (config is None):
        raise BadInput(translate("cli", "give either a link, “-” for one from standard input, or --config FILE"))
    if config is not None:
        return parse_v2ray(read_limited(Path(config), MAX_CONFIG))
    return parse_link(from_stdin() if link == "-" else link or "")


def from_stdin() -> str:
    """A link from standard input, so that its password stands in no list of processes."""
    return sys.stdin.read(_MAX_LINK)


def users(file: str | None, variable: str | None) -> dict[str, str]:
    """A server's users and passwords: one `name:password` or `password` a line of a file, or one password of the
    environment."""
    if variable is not None:
        return {"user": environment(variable)}
    lines = _text(file or "").splitlines()
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, colon, password = line.partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        name, password = (name.strip(), password) if colon else (f"user{number}", line)
        if not name or not password or name in found:
            raise BadFile(
                translate("cli", "line {number} is no new name and password").format(number=number), file or ""
            )
        found[name] = password
    if not found:
        raise BadFile(translate("cli", "it holds no password"), file or "")
    return found


def credentials(file: str | None, variable: str | None) -> tuple[str, str] | None:
    """The local proxy's user and password, written `user:password`."""
    if file is None and variable is None:
        return None
    text = environment(variable) if variable is not None else _text(file or "").strip()
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise BadInput(translate("cli", "the local user and password have to be written user:password"))
    return user, password


def environment(variable: str) -> str:
    """An environment variable that has to hold something."""
    value = os.environ.get(variable, "")
    if not value:
        raise BadInput(translate("cli", "the environment variable {name} is empty").format(name=variable))
    return value


def _text(file: str) -> str:
    try:
        return read_limited(Path(file), _MAX_PASSWORDS).decode()
    except UnicodeDecodeError:
        raise BadFile(translate("cli", "it is not UTF-8 text"), file) from None
