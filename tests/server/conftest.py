"""Lets a test run on uvloop too, and looks at every log: no traceback and no secret may be in it."""

import logging
from collections.abc import Iterator

import pytest

from app.protocols.login import password_hash
from tests.server.raw import USERS


@pytest.fixture(autouse=True)
def clean_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens to a server, it is no programming error and gives nothing away."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        text = record.getMessage()
        assert not record.exc_info, f"a traceback: {text}"
        for password in USERS.values():
            assert password not in text
            assert password_hash(password).hex() not in text
