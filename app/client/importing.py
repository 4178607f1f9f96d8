"""What a person pastes, drops or opens, as candidates for the preview: read, judged, and added by nobody yet."""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from app.client.options import unmet_wishes
from app.errors import BadFile, BadInput
from app.logs import HIDDEN
from app.protocols.text import printable
from app.sharing.links import Imported, parse_link
from app.sharing.v2ray import MAX_CONFIG, parse_v2ray
from app.storage.files import read_limited
from app.storage.profiles import Profile, clean_name
from app.texts import translate

MAX_LINKS: Final = 10_000  # the largest lists that are published have a few thousand
MAX_TEXT: Final = 8 * 1024 * 1024  # bytes: as many links of the usual length, twice over

# A link ends at the latest with its line, or where the next one begins.
_LINK: Final = re.compile(r"anytls://(?:(?!anytls://)[^\r\n])*", re.IGNORECASE)

# What is opened before a link is closed behind it. ' ( [ may stand in a link as well, so that the last one counts.
_CLOSED_FIRST: Final = {'"': '"', "<": ">", "`": "`", "“": "”", "«": "»"}
_CLOSED_LAST: Final = {"'": "'", "(": ")", "[": "]", "‘": "’"}

_LINE_END: Final = re.compile(r"[\r\n]")
_INDENT: Final = 20  # characters before a link that are looked at, to see whether its line is its own

_PLACE: Final = re.compile(r"[\w.:\[\]-]{1,80}")

_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One profile to be, or why there is none: then `profile` is None and `problem` a sentence."""

    profile: Profile | None
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """One for each of the profile's servers."""
    notes: tuple[str, ...] = ()
    """What was changed or ignored, and why; a sentence each."""
    dangers: tuple[str, ...] = ()
    """What makes it less safe than it should be; a sentence each."""
    problem: str = ""
    source: str = ""
    """What it was read from, in one line and without secrets."""
    duplicate_of: str = ""
    """The name of a profile that is there already and the same."""


def candidates(text: str) -> list[Candidate]:
    """What every link of `text` says, or the configuration that it is; nothing where it holds neither."""
    text = text.lstrip(_BOM)
    if len(text) > MAX_TEXT:
        return [_refused(translate("import", "The text is larger than 8 MiB."))]
    for reader in READERS:
        found = reader(text)
        if found:
            return found
    return []


def candidates_of_file(path: Path) -> list[Candidate]:
    """The same for a file; blocks. A file that cannot be read, or holds nothing, is a candidate with a problem."""
    try:
        if _is_endless(path):
            raise BadFile(translate("import", "it is no file"), str(path))
        text = text_of_file(path)
    except BadFile as failure:
        return [_refused(str(failure), path.name)]
    return candidates(text) or [_refused(translate("import", "No anytls:// link was found there."), path.name)]


def text_of_file(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark. Raises `BadFile`; blocks."""
    data = read_limited(path, MAX_TEXT)
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(translate("import", "it holds no text"), str(path)) from None


def _is_endless(path: Path) -> bool:
    """Whether it is a pipe or a device, which may never say a word or never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _links(text: str) -> list[Candidate]:
    found = [_trimmed(text, *match.span()) for match in islice(_LINK.finditer(text), MAX_LINKS + 1)]
    read = [_candidate(partial(parse_link, link), _source(link)) for link in found[:MAX_LINKS]]
    if len(found) > MAX_LINKS:
        read.append(_refused(translate("import", "Only the first {count} links were read.").format(count=MAX_LINKS)))
    return read


def _trimmed(text: str, start: int, end: int) -> str:
    """The link without the sentence, the list or the marks that it stands in.

    Only a name may hold spaces, and only where the link has its line for itself: else nobody could tell its end.
    """
    link, before = text[start:end], text[start - 1 : start]
    goes_on = text[end : end + 1] not in ("", "\n", "\r")
    if (closing := _CLOSED_FIRST.get(before)) and closing in link:
        return link.partition(closing)[0]
    if closing := _CLOSED_LAST.get(before):
        whole = link.rstrip().removesuffix(before) if goes_on else link  # what is opened for the next one
        return whole.rpartition(closing)[0] or link.split(maxsplit=1)[0]
    first = link.split(maxsplit=1)[0]
    if goes_on or _LINE_END.split(text[max(0, start - _INDENT) : start])[-1].strip(f" \t{_BOM}"):
        return first.rstrip(",;")
    return first if "@" in first and "#" not in first else link.rstrip()


def _v2ray(text: str) -> list[Candidate]:
    if not text.lstrip().startswith("{"):
        return []
    source = translate("import", "v2ray configuration")
    if len(text) > MAX_CONFIG:
        return [_refused(translate("import", "The configuration is larger than 1 MiB."), source)]
    return [_candidate(partial(parse_v2ray, text.encode()), source)]


READERS: Final[tuple[Callable[[str], list[Candidate]], ...]] = (_v2ray, _links)
"""Each knows one form and finds nothing in any other; the first that finds something has read the text."""


def _candidate(read: Callable[[], Imported], source: str) -> Candidate:
    try:
        imported = read()
    except BadInput as failure:
        return _refused(str(failure), source)
    dangers = (_unchecked(),) if imported.profile.verification == "none" else ()
    told = (*_trust(imported.profile), *_shown(imported.profile), *imported.notes, *unmet_wishes(imported.profile))
    notes = tuple(note for note in told if note not in dangers)
    return Candidate(imported.profile, imported.passwords, notes, dangers, source=source)


def _unchecked() -> str:
    return translate("links", "The server's certificate is not checked: anyone on the way can read along.")


def _trust(profile: Profile) -> tuple[str, ...]:
    """Who may vouch for the server, where it is not the system's authorities that do."""
    if profile.verification != "ca-file" or not profile.ca_file:
        return ()
    text = translate("import", "Its certificate is trusted if the authority in the file {path} has signed it.")
    return (text.format(path=printable(profile.ca_file)),)


def _shown(profile: Profile) -> tuple[str, ...]:
    """What of this computer a server gets to see, and whom it asks."""
    told: list[str] = []
    if profile.client_certificate:
        text = translate("import", "The server is shown the certificate in the file {path}.")
        told.append(text.format(path=printable(profile.client_certificate)))
    if profile.ech_resolver:
        text = translate(
            "import", "{resolver} is asked for the key that hides the server's name, and learns that name."
        )
        told.append(text.format(resolver=printable(profile.ech_resolver)))
    return tuple(told)


def _refused(problem: str, source: str = "") -> Candidate:
    return Candidate(None, problem=problem, source=source)


def _source(link: str) -> str:
    """A link without its password and its options; of one that is damaged no more than is surely neither."""
    body, _, name = link.partition("#")
    _, at, place = body.partition("?")[0].rpartition("@")
    place = place.partition("/")[0]
    if not at or not _PLACE.fullmatch(place):
        return f"anytls://{HIDDEN}"
    return clean_name(f"anytls://{HIDDEN}@{place}" + (f"#{unquote(name)}" if name else ""))
