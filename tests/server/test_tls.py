"""What a server's TLS offers."""

import ssl
from pathlib import Path

import pytest

from app.server.tls import server_context
from tests.fakes import certificates


def test_it_speaks_no_old_version_and_does_not_renegotiate(tmp_path: Path) -> None:
    identity = certificates.good().saved(tmp_path)
    context = server_context(identity, identity)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pem", tmp_path / "other.pem"
    one.write_bytes(certificates.good().pem)
    other.write_bytes(certificates.self_signed().key_pem)
    with pytest.raises(ssl.SSLError):
        server_context(str(one), str(other))
    with pytest.raises(OSError, match="No such file"):
        server_context(str(one), str(tmp_path / "none.pem"))
