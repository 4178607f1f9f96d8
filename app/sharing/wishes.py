"""What links and configurations wish of TLS and TCP, in the words of many programs, as this one has them.

What cannot be had in the way it is asked for is replaced with a note, never silently; what hides something, as an
encrypted server name does, is refused where it cannot be read, because it must not be left out.
"""

import re
from typing import Final

from app.protocols.ech import BadEch, read_config
from app.protocols.text import printable
from app.storage.profiles import DEFAULT_FINGERPRINT, resolver_address
from app.texts import translate
from app.transport.options import Family
from app.wording import reason_of

# Chrome's hello, with its version where one is named: chrome, chrome_120, chrome:131, HelloChrome_120_PQ, Chrome-Auto.
_CHROME: Final = re.compile(r"(?:hello)?chrome(?:[-_:]?([0-9]{2,4}))?(?:[-_][a-z0-9_-]{1,20})?")
_NO_HELLO: Final = frozenset(("none", "unsafe"))  # Xray's "unsafe" is the plain TLS of its language
_NO_ECH: Final = frozenset(("", "0", "false", "no", "none"))

_FAMILIES: Final[dict[str, Family]] = {
    **dict.fromkeys(("", "dual", "any", "asis", "useip", "forceip"), "any"),
    **dict.fromkeys(("ipv4", "v4-only", "useipv4", "forceipv4"), "only-4"),
    **dict.fromkeys(("ipv6", "v6-only", "useipv6", "forceipv6"), "only-6"),
    **dict.fromkeys(("ipv4-prefer", "prefer-v4", "useipv4v6", "forceipv4v6"), "prefer-4"),
    **dict.fromkeys(("ipv6-prefer", "prefer-v6", "useipv6v4", "forceipv6v4"), "prefer-6"),
}


def reality() -> str:
    """Half a sentence on why REALITY is refused."""
    return translate(
        "links",
        "it asks for REALITY, where a server shows another site's certificate and proves itself by a key that only "
        "Xray's own TLS can check; ask the provider for plain TLS",
    )


def fingerprint(wish: str, notes: list[str]) -> str:
    """Whose ClientHello is sent: "none", "chrome" or "chrome:<major>"; Chrome's for every other browser's."""
    name = wish.strip().lower()
    if not name:
        return DEFAULT_FINGERPRINT
    if name in _NO_HELLO:
        return "none"
    if match := _CHROME.fullmatch(name):
        return f"chrome:{match[1]}" if match[1] else "chrome"
    text = translate("links", "The TLS fingerprint “{name}” cannot be had; Chrome's is used instead.")
    notes.append(text.format(name=printable(wish, 40)))
    return "chrome"


def ech(text: str, notes: list[str]) -> tuple[bytes | None, str | None]:
    """The ECH configuration and the resolver that is asked for one; one of them at most.

    Raises ValueError; its text continues a sentence that begins with what is read.
    """
    wish = text.strip()
    if wish.lower() in _NO_ECH:
        return None, None
    name, plus, address = wish.rpartition("+https://")  # Xray's way to ask for the record of another name
    if plus or wish.lower().startswith("https://"):
        resolver = resolver_address(f"https://{address}" if plus else wish)
        if name:
            text = translate(
                "links", "The ECH configuration of the server's own name is asked for, not that of {name}."
            )
            notes.append(text.format(name=printable(name, 60)))
        return None, resolver
    if "://" in wish:
        raise ValueError(translate("links", "names a resolver that is not asked over https://"))
    try:
        return read_config(wish), None
    except BadEch as error:
        text = translate("links", "cannot be used, and without it the server's name would travel in the open: {reason}")
        raise ValueError(text.format(reason=reason_of(error))) from None


def family(wish: str, notes: list[str]) -> Family:
    """Which addresses are tried, by the names of mihomo's `ip-version`, Loon's `ip-mode` and Xray's strategies."""
    found = _FAMILIES.get(wish.strip().lower())
    if found is None:
        text = translate("links", "The IP version “{name}” is not known; every address is tried.")
        notes.append(text.format(name=printable(wish, 40)))
    return found or "any"


def note_source(source: str | None, notes: list[str]) -> None:
    """Connections that leave from one place only may find none of the name on this computer."""
    if source is not None:
        text = translate("links", "Connections leave from “{source}” only, which this computer may not have.")
        notes.append(text.format(source=source))
