"""Trust on first failure: what a certificate that was rejected says, and a profile that trusts it from now on."""

import asyncio
from dataclasses import replace
from hashlib import sha256

from app.engine.certificates import CertificateFacts, read_certificate
from app.errors import BadInput, CertificateRejected, ClockWrong, Failure
from app.storage.profiles import Profile
from app.texts import translate

__all__ = ["CertificateFacts", "facts_of", "to_look_at", "trusting"]


def to_look_at(failure: Failure | None) -> CertificateRejected | None:
    """The failure, where a person may find that its certificate is the right one after all.

    A clock that is wrong is to be set, not to be worked around.
    """
    if isinstance(failure, CertificateRejected) and failure.certificate and not isinstance(failure, ClockWrong):
        return failure
    return None


async def facts_of(failure: CertificateRejected) -> CertificateFacts:
    """What the certificate says. Raises `BadInput` where it cannot be read."""
    facts = await asyncio.to_thread(read_certificate, failure.certificate)
    if facts is None:
        raise BadInput(translate("trust", "the server's certificate cannot be read"))
    return facts


def trusting(profile: Profile, failure: CertificateRejected) -> Profile:
    """The profile with this certificate pinned: it alone is accepted, whoever issued it and for whatever name.

    Raises `BadInput` where none of the profile's servers has shown it, because another profile was meant then, or this
    one leads elsewhere by now.
    """
    if (failure.host, failure.port) not in [(server.host, server.port) for server in profile.servers]:
        raise BadInput(translate("trust", "the certificate was shown by a server that this profile does not lead to"))
    pin = sha256(failure.certificate).digest()
    return replace(profile, verification="pin", certificate_pin=pin, spki_pin=None)
