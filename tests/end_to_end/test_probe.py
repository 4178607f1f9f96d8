"""`probe`: every stage that can fail, and the sentence that says so."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.protocols.address import Address
from tests.end_to_end.programs import Home
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.listening import closed_port, deaf, listening
from tests.fakes.peers import PASSWORD, Script, answer_http, mute, scripted, wrong_password

STAGES = ["dns", "tcp", "tls", "authentication", "stream"]


@dataclass(frozen=True)
class Probed:
    """What the command printed and how it ended."""

    code: int
    ok: bool
    stages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> tuple[str, str]:
        """The stage that failed, and the sentence."""
        *passed, last = self.stages
        assert all(stage["ok"] and stage["error"] is None for stage in passed)
        assert not last["ok"]
        assert not self.ok
        assert self.code == 1
        return last["name"], last["error"]


async def probe(home: Home, link: str, *arguments: str) -> Probed:
    """Run the command with the test authority as the one that the system trusts."""
    authority = home.folder / "authority.pem"
    authority.write_bytes(certificates.authority().pem)
    finished = await home.finish("probe", "-", "--json", *arguments, stdin=link, SSL_CERT_FILE=str(authority))
    printed = json.loads(finished.out)
    assert set(printed) == {"ok", "stages"}
    assert all(set(stage) - {"certificate_sha256"} == {"name", "ok", "ms", "error"} for stage in printed["stages"])
    assert [stage["name"] for stage in printed["stages"]] == STAGES[: len(printed["stages"])]
    assert all(stage["ms"] >= 0 for stage in printed["stages"])
    return Probed(finished.code, printed["ok"], printed["stages"])


def link_to(address: Address, options: str = "", password: str = PASSWORD) -> str:
    return f"anytls://{password}@{address}/?{options}"


@contextlib.asynccontextmanager
async def showing(identity: Identity) -> AsyncIterator[Address]:
    """Somebody who shows this certificate."""

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(wait, context=identity.context()) as address:
        yield address


async def test_a_good_server(home: Home) -> None:
    async with home.serve() as server:
        probed = await probe(home, server.link)
    assert (probed.code, probed.ok) == (0, True)
    assert [(stage["name"], stage["ok"], stage["error"]) for stage in probed.stages] == [
        (name, True, None) for name in STAGES
    ]


async def test_a_name_that_does_not_resolve(home: Home) -> None:
    probed = await probe(home, "anytls://pw@no-such-name.invalid/")
    assert probed.failed == ("dns", "The name no-such-name.invalid does not resolve.")


async def test_a_closed_port(home: Home) -> None:
    address = closed_port()
    probed = await probe(home, link_to(address))
    assert probed.failed == ("tcp", f"Nothing listens on 127.0.0.1 port {address.port}.")


@pytest.mark.parametrize(
    ("identity", "options", "sentence"),
    [
        (certificates.expired, "", "The certificate of 127.0.0.1 has expired on "),
        (certificates.not_yet_valid, "", "is this computer’s clock right?"),
        (certificates.self_signed, "", "has issued its certificate itself"),
        (certificates.for_another_name, "sni=server.test", "is for other names: other.test"),
        (certificates.good, "hpkp=" + "00" * 32, "is not the pinned one"),
    ],
)
async def test_a_certificate_that_is_not_accepted(home: Home, identity: Any, options: str, sentence: str) -> None:
    async with showing(identity()) as address:
        stage, error = (await probe(home, link_to(address, options))).failed
    assert stage == "tls"
    assert sentence in error


async def test_somebody_who_does_not_speak_tls(home: Home) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(refuse) as address:
        stage, error = (await probe(home, link_to(address))).failed
    assert stage == "tls"
    assert "does not speak TLS" in error


async def test_a_wrong_password(home: Home) -> None:
    async with home.serve(password="right") as server:
        probed = await probe(home, server.link.replace("right", "wrong"))
    assert probed.failed == (
        "authentication",
        "TLS works but the server 127.0.0.1 closed without a word: wrong password, or not an AnyTLS server.",
    )


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (wrong_password, "wrong password, or not an AnyTLS server"),
        (answer_http, "answered, but not as an AnyTLS server"),
    ],
)
async def test_somebody_who_does_not_speak_anytls(home: Home, script: Script, sentence: str) -> None:
    async with scripted(script) as peer:
        stage, error = (await probe(home, link_to(peer.address))).failed
    assert stage == "authentication"
    assert sentence in error


async def test_a_target_that_refuses(home: Home) -> None:
    async with home.serve() as server:
        stage, error = (await probe(home, server.link, "--target", str(closed_port()))).failed
    assert stage == "stream"
    assert error.startswith("The server could not reach the target: ")
    assert "connection refused" in error


async def test_silence_is_said_with_its_stage(home: Home, tmp_path: Path) -> None:
    """Two at once, for each takes the ten seconds that it waits."""
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other")
    with deaf() as address:
        async with scripted(mute) as peer:
            at_tls, at_login = await asyncio.gather(probe(home, link_to(address)), probe(other, link_to(peer.address)))
    for probed, stage, word in ((at_tls, "tls", "TLS"), (at_login, "authentication", "password")):
        name, error = probed.failed
        assert name == stage
        assert f"did not answer within 10 s at the stage “{word}”" in error


async def test_words_instead_of_json(home: Home) -> None:
    async with home.serve(password="right") as server:
        good = await home.finish("probe", "-", stdin=server.link)
        bad = await home.finish("probe", "-", stdin=server.link.replace("right", "wrong"))
    assert (good.code, bad.code) == (0, 1)
    assert [line.split()[:2] for line in good.out.splitlines()] == [
        ["✓", "name"],
        ["✓", "TCP"],
        ["✓", "TLS"],
        ["✓", "password"],
        ["✓", "stream"],
    ]
    *_, failed, sentence = bad.out.splitlines()
    assert failed.startswith("✗ password")
    assert "wrong password" in sentence
