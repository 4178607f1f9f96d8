"""An encrypted ClientHello's configuration as a server publishes it."""

from typing import Final

CONFIG: Final = bytes.fromhex(
    "0045fe0d0041ad0020002021c1b16f0be1c7ffd7d1c54a02bb0a6b6e6f1cdc5b3a2b7d0d0a0c1f2e3d4c5b"
    "0004000100010012636c6f7564666c6172652d6563682e636f6d0000"
)
"""One configuration, X25519, whose public name is cloudflare-ech.com."""
