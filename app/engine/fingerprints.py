"""Whose ClientHello can be sent.

Chrome's comes from `utls`, which is Chrome's own TLS library (BoringSSL) behind the interface of `ssl`, with the hello
of each Chrome as data. It is young, so its version is pinned, and it is reached from `tls_context` alone.
"""

import importlib.util
from typing import Final

NONE: Final = "none"
CHROME: Final = "chrome"
FILE: Final = "file"

_MAJORS: Final = (152, 150, 148, 146, 142, 131)
"""What the pinned `utls` has; the test compares. Not asked of it, because that would load the library."""


def available() -> bool:
    """Whether this platform has the library: there are wheels for most."""
    return importlib.util.find_spec("utls") is not None


def known() -> tuple[str, ...]:
    """The browsers whose hello can be sent, the newest first; none without the library."""
    return (CHROME, *(f"{CHROME}:{major}" for major in _MAJORS)) if available() else ()
