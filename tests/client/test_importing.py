import json
import os
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client import importing
from app.client.importing import MAX_TEXT, Candidate, candidates, candidates_of_file, text_of_file
from app.engine import fingerprints
from app.errors import BadFile
from app.logs import HIDDEN

LINK = "anytls://needle@example.org:8443/?sni=front.example#Berlin"
UNCHECKED = "The server's certificate is not checked: anyone on the way can read along."
CONFIG = {
    "outbounds": [
        {
            "protocol": "anytls",
            "tag": "Paris",
            "settings": {"servers": [{"address": "paris.example", "port": 443, "password": "needle"}]},
            "streamSettings": {"network": "tcp", "security": "tls", "tlsSettings": {"allowInsecure": True}},
        }
    ]
}


def names(text):
    return [one.profile.name if one.profile else None for one in candidates(text)]


def only(text) -> Candidate:
    (one,) = candidates(text)
    return one


# ---- one link


def test_a_link_is_a_candidate():
    one = only(LINK)
    assert one.profile is not None
    assert (one.profile.name, str(one.profile.servers[0])) == ("Berlin", "example.org:8443")
    assert one.passwords == ("needle",)
    assert (one.notes, one.dangers, one.problem, one.duplicate_of) == ((), (), "", "")
    assert one.source == f"anytls://{HIDDEN}@example.org:8443#Berlin"


def test_what_is_dangerous_is_told_apart_from_what_is_worth_noting():
    one = only("anytls://x@example.org/?insecure=1&unknown=1")
    assert one.dangers == (UNCHECKED,)
    assert one.notes == ("Not understood and ignored: unknown.",)


def test_a_pin_is_no_danger():
    assert only(f"anytls://x@example.org/?insecure=1&hpkp={'ab' * 32}").dangers == ()


def test_what_is_wrong_is_a_problem():
    one = only("anytls://needle@example.org:99999/#Berlin")
    assert one.profile is None
    assert one.problem == "This link cannot be used: its port is not a number from 1 to 65535."
    assert one.source == f"anytls://{HIDDEN}@example.org:99999#Berlin"


@pytest.mark.parametrize(
    "link",
    [
        "anytls://needle",
        "anytls://needle/x?y",
        "anytls://x needle x",
        "anytls://needle%@h o s t",
        "anytls://needle#a@h",
    ],
)
def test_a_damaged_links_source_shows_nothing_that_may_be_its_password(link):
    for one in candidates(link):
        assert "needle" not in one.source.partition("#")[0]
        assert "needle" not in one.problem
        assert "needle" not in repr(one)


# ---- links in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anytls://a@h.example#My server", ["My server"]),
        ("  anytls://a@h.example#My server  \r\n", ["My server"]),
        ("\ufeffanytls://a@h.example#My server", ["My server"]),
        ("anytls://a@h.example#One\nanytls://a@i.example#Two 2\n\n", ["One", "Two 2"]),
        ("anytls://a@h.example#One anytls://a@i.example#Two", ["One", "Two"]),
        ("anytls://a@h.example#Oneanytls://a@i.example#Two", ["One", "Two"]),
        ("ANYTLS://a@h.example#One", ["One"]),
        ("Take anytls://a@h.example#One, it is good", ["One"]),
        ("Take 'anytls://a@h.example#My one', it is good", ["My one"]),
        ("['anytls://a@h.example#One', 'anytls://a@i.example#Two']", ["One", "Two"]),
        ('["anytls://a@h.example#My one", "anytls://a@i.example#Two"]', ["My one", "Two"]),
        ("see <anytls://a@h.example#One> and (anytls://a@i.example#Two (2))", ["One", "Two (2)"]),
        ("`anytls://a@h.example#One` or “anytls://a@i.example#Two”", ["One", "Two"]),
        ("anytls://a@h.example:443 is the best", ["h.example:443"]),
        ("anytls://pass word@h.example#One", ["One"]),
        ("vless://x@h.example#No\nanytls://a@h.example#Yes\nss://abc", ["Yes"]),
    ],
)
def test_links_are_found_in_any_text(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize("text", ["", "\n", "hello", "anytls:/x", "https://example.org", "[1]", "\0"])
def test_a_text_without_any_has_none(text):
    assert candidates(text) == []


def test_each_link_is_judged_by_itself():
    assert names("anytls://a@h.example#One\nanytls://nothing\nanytls://a@i.example#Two") == ["One", None, "Two"]


def test_there_is_an_end_to_links(monkeypatch):
    monkeypatch.setattr(importing, "MAX_LINKS", 3)
    found = candidates("anytls://a@h.example\n" * 5)
    assert len(found) == 4
    assert found[-1].profile is None
    assert found[-1].problem == "Only the first 3 links were read."
    assert len(candidates("anytls://a@h.example\n" * 3)) == 3


def test_there_is_an_end_to_text():
    assert only("x" * (MAX_TEXT + 1)).problem == "The text is larger than 8 MiB."


@pytest.mark.parametrize("text", ["anytls://a@h.example ", "anytls://", "'anytls://a@h'", "anytls://@ "])
def test_a_thousand_links_on_one_line_take_no_long_time(text):
    start = time.monotonic()
    assert len(candidates(text * 1_000)) == 1_000
    assert time.monotonic() - start < 60


@given(st.text())
def test_any_text_is_read_or_not(text):
    for one in candidates(f"anytls://needle@{text}") + candidates(f"{{{text}") + candidates(text):
        assert (one.profile is None) == bool(one.problem)
        assert "\n" not in one.source


# ---- configurations


def test_a_configuration_is_a_candidate():
    one = only(json.dumps(CONFIG))
    assert one.profile is not None
    assert one.profile.name == "Paris"
    assert one.passwords == ("needle",)
    assert one.dangers == (UNCHECKED,)
    assert one.source == "v2ray configuration"


@pytest.mark.parametrize("text", ["{", '{"outbounds": []}', "{}"])
def test_what_is_wrong_with_a_configuration_is_a_problem(text):
    one = only(text)
    assert one.profile is None
    assert one.problem.startswith("This configuration cannot be used: ")


def test_too_large_a_configuration_is_a_problem():
    assert only("{" + " " * 1024 * 1024).problem == "The configuration is larger than 1 MiB."


# ---- files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_links(encoding, tmp_path):
    path = tmp_path / "links.txt"
    path.write_text(f"{LINK}é\n", encoding=encoding)
    (one,) = candidates_of_file(path)
    assert one.profile is not None
    assert one.profile.name == "Berliné"


def test_a_file_with_a_configuration(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8-sig")
    assert [one.passwords for one in candidates_of_file(path)] == [("needle",)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"\x89PNG\r\n", "it holds no text"), (b"\xff\xfe\x00", "it holds no text"), (b"hello", "No anytls:// link")],
)
def test_a_file_with_something_else(content, problem, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    (one,) = candidates_of_file(path)
    assert problem in one.problem
    assert one.source == "picture.png"


def test_a_file_that_is_not_there(tmp_path):
    (one,) = candidates_of_file(tmp_path / "missing")
    assert "does not exist" in one.problem
    with pytest.raises(BadFile):
        text_of_file(tmp_path / "missing")


def test_too_large_a_file(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * (MAX_TEXT + 1))
    (one,) = candidates_of_file(path)
    assert "larger than" in one.problem


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (one,) = candidates_of_file(pipe)
    assert "it is no file" in one.problem


def test_a_configuration_that_brings_its_own_authority_says_so():
    config = json.loads(json.dumps(CONFIG))
    certificates = [{"usage": "verify", "certificateFile": "/tmp/\u202eca\n.pem"}]
    config["outbounds"][0]["streamSettings"]["tlsSettings"] = {"certificates": certificates}
    one = only(json.dumps(config))
    assert one.profile is not None
    assert one.profile.verification == "ca-file"
    assert "Its certificate is trusted if the authority in the file /tmp/ ca .pem has signed it." in one.notes


def test_what_a_server_is_shown_is_said():
    stream = {"security": "tls", "tlsSettings": {"certificates": [{"certificateFile": "/tmp/me\n.pem"}]}}
    outbound = CONFIG["outbounds"][0] | {"streamSettings": stream}
    one = only(json.dumps({"outbounds": [outbound]}))
    assert "The server is shown the certificate in the file /tmp/me .pem." in one.notes


def test_whom_a_link_asks_is_said():
    resolver = "https://dns.example/dns-query"
    one = only(f"anytls://x@192.0.2.1/?sni=hidden.example&ech={resolver}")
    assert one.notes == (f"{resolver} is asked for the key that hides the server's name, and learns that name.",)


def test_what_cannot_be_had_is_said_before_it_is_added(monkeypatch):
    assert only("anytls://x@example.org/?fp=chrome:99").notes == (
        "The ClientHello of “chrome:99” cannot be had; that of the newest Chrome is sent.",
    )
    monkeypatch.setattr(fingerprints, "available", lambda: False)
    (note,) = only(LINK).notes
    assert "Python's own ClientHello is sent instead" in note
