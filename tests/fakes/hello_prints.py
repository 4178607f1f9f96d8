"""JA3 and JA4: by what a ClientHello is known to those who look for programs, as their authors publish it.

salesforce/ja3 and FoxIO-LLC/ja4.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from app.protocols.client_hello import ALPN, SERVER_NAME, ClientHello, plain

_EC_POINT_FORMATS: Final = 11
_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10"}


def ja3(hello: ClientHello) -> str:
    """The MD5 of what is offered, in the order of the wire."""
    points = tuple(hello.contents.get(_EC_POINT_FORMATS, b"")[1:])
    lists = (hello.ciphers, hello.extensions, hello.groups, points)
    text = ",".join([str(hello.version), *("-".join(map(str, plain(values))) for values in lists)])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello) -> str:
    """What is offered without regard to the order of extensions: `a_b_c`."""
    ciphers, extensions = plain(hello.ciphers), plain(hello.extensions)
    newest = max(plain(hello.versions), default=hello.version)
    kind = "d" if SERVER_NAME in extensions else "i"
    head = f"t{_VERSIONS.get(newest, '00')}{kind}{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
    hashed = _hexed(sorted(value for value in extensions if value not in (SERVER_NAME, ALPN)))
    signatures = _hexed(plain(hello.signatures))
    return f"{head}{_first_protocol(hello)}_{_short(_hexed(sorted(ciphers)))}_" + _short(
        f"{hashed}_{signatures}" if signatures else hashed
    )


def _first_protocol(hello: ClientHello) -> str:
    first = hello.alpn[0] if hello.alpn else b""
    if not first:
        return "00"
    ends = chr(first[0]) + chr(first[-1])
    return ends if ends.isascii() and ends.isalnum() else first.hex()[0] + first.hex()[-1]


def _hexed(values: Sequence[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
