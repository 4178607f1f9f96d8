import json
import socket

from app.cli import main
from tests.fakes import certificates


def test_every_stage_of_a_good_server(served, capsys):
    assert main(["probe", served.link()]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["✓", "name"],
        ["✓", "TCP"],
        ["✓", "TLS"],
        ["✓", "password"],
        ["✓", "stream"],
    ]


def test_json_for_programs(served, capsys):
    assert main(["probe", served.link(), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert set(found) == {"ok", "stages"}
    assert found["ok"] is True
    assert [stage["name"] for stage in found["stages"]] == ["dns", "tcp", "tls", "authentication", "stream"]
    assert all(set(stage) == {"name", "ok", "ms", "error"} for stage in found["stages"])
    assert all(stage["ok"] and stage["error"] is None and stage["ms"] >= 0 for stage in found["stages"])


def test_a_wrong_password_is_named(served, capsys):
    assert main(["probe", served.link("wrong"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    last = found["stages"][-1]
    assert (found["ok"], last["name"], last["ok"]) == (False, "authentication", False)
    assert "wrong password" in last["error"]


def test_the_reason_stands_below_the_stage(capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert main(["probe", f"anytls://x@127.0.0.1:{port}/"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("✗ TCP")
    assert lines[2] == f"  Nothing listens on 127.0.0.1 port {port}."


def test_a_target_that_refuses(served, capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        arguments = ["probe", served.link(), "--json", "--target", f"127.0.0.1:{sock.getsockname()[1]}"]
        assert main(arguments) == 1
    last = json.loads(capsys.readouterr().out)["stages"][-1]
    assert last["name"] == "stream"
    assert "refused" in last["error"]


def test_what_cannot_be_done_is_said(served, capsys):
    assert main(["probe", f"{served.link()}&fp=firefox", "--json"]) == 0
    assert "“firefox” cannot be had" in capsys.readouterr().err


def rejected(address):
    """A link that has the server's certificate checked by authorities, which have never heard of it."""
    return f"anytls://x@{address}/?sni=server.test"


def test_a_rejected_certificate_can_be_pinned_by_what_is_said(served, capsys):
    assert main(["probe", rejected(served.address)]) == 1
    lines = capsys.readouterr().out.splitlines()
    pin = certificates.good().pin
    assert lines[-2].startswith("  ")
    assert lines[-1] == f"  SHA-256 of this certificate, to pin it once you have compared it: {pin.hex(':').upper()}"
    assert main(["probe", served.link().partition("?")[0] + f"?hpkp={pin.hex(':').upper()}"]) == 0


def test_the_same_for_programs(served, capsys):
    assert main(["probe", rejected(served.address), "--json"]) == 1
    last = json.loads(capsys.readouterr().out)["stages"][-1]
    assert (last["name"], last["certificate_sha256"]) == ("tls", certificates.good().pin.hex())
