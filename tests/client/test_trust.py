"""Which failures have a certificate to look at, and what trusting it makes of a profile."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.client.trust import facts_of, to_look_at, trusting
from app.errors import (
    BadInput,
    CertificateExpired,
    CertificateRejected,
    CertificateSelfSigned,
    ClockWrong,
    ClosedSilently,
    Failure,
    PinMismatch,
)
from app.storage.profiles import Profile, ProfileServer
from tests.fakes import certificates

AT = ("a.example", 443)
DER = certificates.good().certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("failure", "there"),
    [
        (None, False),
        (ClosedSilently(*AT), False),
        (CertificateExpired(*AT, "yesterday"), False),  # nothing was shown
        (CertificateExpired(*AT, "yesterday", certificate=DER), True),
        (CertificateSelfSigned(*AT, "x", certificate=DER), True),
        (CertificateRejected(*AT, "x", certificate=DER), True),
        (PinMismatch(*AT, "aa", pinned="bb", certificate=DER), True),
        (ClockWrong(*AT, "3 days", certificate=DER), False),  # another clock helps, and nothing else
    ],
)
def test_what_there_is_to_look_at(failure: Failure | None, there: bool) -> None:
    assert to_look_at(failure) is (failure if there else None)


async def test_the_facts_of_what_was_shown() -> None:
    facts = await facts_of(CertificateSelfSigned(*AT, "x", certificate=DER))
    assert facts.sha256 == certificates.good().pin
    assert "server.test" in facts.names


async def test_what_cannot_be_read_is_not_trusted() -> None:
    with pytest.raises(BadInput, match="certificate cannot be read"):
        await facts_of(CertificateSelfSigned(*AT, "x", certificate=b"junk"))


def test_one_certificate_is_trusted_and_no_other() -> None:
    failure = CertificateSelfSigned(*AT, "x", certificate=DER)
    before = Profile(
        "n", (ProfileServer("a.example"),), verification="pin", certificate_pin=b"1" * 32, spki_pin=b"2" * 32
    )
    after = trusting(before, failure)
    assert (after.verification, after.certificate_pin, after.spki_pin) == ("pin", certificates.good().pin, None)
    unchecked = trusting(Profile("n", (ProfileServer("a.example"),), verification="none"), failure)
    assert unchecked.verification == "pin"


@pytest.mark.parametrize("server", [ProfileServer("b.example"), ProfileServer("a.example", 8443)])
def test_another_servers_certificate_is_not_pinned(server: ProfileServer) -> None:
    failure = CertificateSelfSigned(*AT, "x", certificate=DER)
    with pytest.raises(BadInput, match="this profile does not lead to"):
        trusting(Profile("n", (server,)), failure)
    assert trusting(Profile("n", (server, ProfileServer("a.example"))), failure).servers[0] is server
