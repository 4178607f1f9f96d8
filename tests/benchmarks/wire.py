"""What load and target say to each other: a command and a count, and the payload that follows.

A connection may carry one command after another.
"""

import random
import struct
from typing import Final

HOST: Final = "127.0.0.1"

COMMAND: Final = struct.Struct(">cQ")
DOWN: Final = b"D"
"""Send this many bytes of the pattern, over and over."""
UP: Final = b"U"
"""Take this many bytes, then answer with `DONE`."""
ECHO: Final = b"E"
"""Send back this many bytes as they come."""
DONE: Final = b"done"

# An odd length, so that bytes that move by whole buffers or records cannot go unnoticed.
_PATTERN_SIZE: Final = 4 * 1024 * 1024 - 3

CHUNK: Final = 256 * 1024


def pattern() -> bytes:
    """The payload: random bytes, the same in every process."""
    return random.Random(0).randbytes(_PATTERN_SIZE)
