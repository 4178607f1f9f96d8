"""`python -m app.server.new_identity HOST`: a new certificate and its key, PEM, on standard output.

For who runs for long and needs one once: the library that makes certificates stays in memory, 13 MB of it.
"""

import datetime
import sys

from app.server.certificate import self_signed


def new_identity(host: str) -> bytes:
    """A certificate for `host`, valid from now, and its key. Raises `BadInput`."""
    return b"".join(self_signed(host, datetime.datetime.now(datetime.UTC)))


if __name__ == "__main__":
    sys.stdout.buffer.write(new_identity(sys.argv[1]))
