import asyncio
import logging
import stat
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import logs
from app.logs import HIDDEN, LogRing, Redaction, hide_hosts, redact, secret, set_level
from tests.fakes.waiting import settle, until

# Long enough for the slowest machine, and far below what a pattern takes that runs wild: hours.
SECONDS_FOR_ANY_TEXT = 20.0


@pytest.fixture(autouse=True)
def as_it_was():
    yield
    logs.stop()
    logs._Rules.secrets, logs._Rules.private, logs._Rules.level = (), False, logging.INFO


@pytest.fixture
def debug():
    """Hosts are named."""
    set_level("debug")


@pytest.fixture
def ring():
    return logs.start(None, "debug")


# ---- what is left out


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anytls://pw@host.example:443", f"anytls://{HIDDEN}@host.example:443"),
        ("got ANYTLS://p@w/x@h:1 twice", f"got ANYTLS://{HIDDEN}@h:1 twice"),
        ("anytls://pass word@h:1", f"anytls://{HIDDEN}@h:1"),
        ("anytls://a@h anytls://b@i", f"anytls://{HIDDEN}@h anytls://{HIDDEN}@i"),
        ("anytls://a@h\nanytls://b@i", f"anytls://{HIDDEN}@h\nanytls://{HIDDEN}@i"),
        ("anytls://damaged", f"anytls://{HIDDEN}"),
        ("anytls://a@h/?sni=x.y&insecure=1#n", f"anytls://{HIDDEN}@h/?sni={HIDDEN}&insecure={HIDDEN}#n"),
        ("socks5h://me:pw@127.0.0.1:1080", f"socks5h://{HIDDEN}@127.0.0.1:1080"),
        ("GET https://h.example/p?token=abc&x=1", f"GET https://h.example/p?token={HIDDEN}&x={HIDDEN}"),
        ("Proxy-Authorization: Basic bWU6cHc=", f"Proxy-Authorization: {HIDDEN}"),
        ("authorization=Bearer abc.def, next", f"authorization={HIDDEN}, next"),
        ("{'password': 'a b', 'n': 1}", f"{{'password': {HIDDEN}, 'n': 1}}"),
        ('{"Password":"a\\"b"}', f'{{"Password":{HIDDEN}}}'),
        ("local_password=abc rest", f"local_password={HIDDEN} rest"),
        ("Set-Cookie: sid=1; path=/", f"Set-Cookie: {HIDDEN}; path=/"),
    ],
)
def test_secrets_are_left_out(text, shown):
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "TLS works but the server closed without a word: wrong password, or not an AnyTLS server.",
        "connection 5: its session was dead, a new one takes it",
        "listens on 127.0.0.1:1080 and [::1]:1080, see profiles.json",
        "http://localhost:8000/page",
        "asyncio.exceptions.CancelledError",
        "at 14:02:11, 3 sessions dropped, e.g. number 1.5",
        "/usr/lib/libexample.so.1 and C:\\Users\\me\\file.txt",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("example.org:443 session 3: logged in", f"{HIDDEN}:443 session 3: logged in"),
        ("The name www.EXAMPLE.co.uk does not resolve.", f"The name {HIDDEN} does not resolve."),
        ("The name WWW.EXAMPLE.ORG does not resolve.", f"The name {HIDDEN} does not resolve."),
        ("xn--bcher-kva.xn--p1ai is gone", f"{HIDDEN} is gone"),
        ("from 203.0.113.9 to [2001:db8::1]:443", f"from {HIDDEN} to [{HIDDEN}]:443"),
        ("2001:db8:0:0:0:0:0:1 port 1", f"{HIDDEN} port 1"),
        ("http://example.org/page?x=1 failed", f"http://{HIDDEN}/page?x={HIDDEN} failed"),
        ("https://[2001:db8::1]/", f"https://{HIDDEN}/"),
        ("anytls://pw@example.org:1", f"anytls://{HIDDEN}@{HIDDEN}:1"),
    ],
)
def test_hosts_are_named_at_debug_alone_and_never_in_private(text, shown):
    assert redact(text) == shown
    set_level("debug")
    assert redact(text) != shown
    hide_hosts(True)
    assert redact(text) == shown
    hide_hosts(False)
    set_level("info")
    assert redact(text) == shown


def test_a_tracebacks_code_stays_readable():
    story = 'Traceback:\n  File "/x/app/tls.py", line 3, in f\n    self.engine.start\nOSError: bad.example.org is gone'
    assert redact(story) == story.replace("bad.example.org", HIDDEN)


def test_registered_secrets_are_left_out_as_they_are_and_as_a_link_has_them():
    secret("pa ss/word")
    assert redact("it was pa ss/word") == f"it was {HIDDEN}"
    assert redact("it was pa%20ss%2Fword") == f"it was {HIDDEN}"


def test_a_secret_within_another_hides_the_whole_longer_one():
    secret("abcd")
    secret("abcdefgh")
    assert redact("xabcdefghy abcd") == f"x{HIDDEN}y {HIDDEN}"


def test_very_short_secrets_are_not_looked_for():
    secret("the")
    secret("")
    assert redact("the end") == "the end"


def test_there_is_an_end_to_secrets():
    for number in range(5_000):
        secret(f"secret-{number}")
    assert len(logs._Rules.secrets) <= 4_096
    assert redact("secret-4999") == HIDDEN


@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    once = redact(f"anytls://{text}@host.example password={text}")
    assert redact(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=4))
def test_no_password_comes_through_in_a_link(password):
    logs._Rules.secrets = ()
    shown = redact(f"x anytls://{password}@host.example:443#name y")
    assert shown.endswith(f"@{HIDDEN}:443#name y") or "://" in password
    secret(password)
    assert password in HIDDEN or password not in redact(f"its password is {password}.")


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "a:",
        "1:",
        "1.1.",
        "::",
        "a::",
        "a-",
        "x",
        "x.y-",
        "://",
        "://a@",
        "anytls://",
        "anytls://x ",
        "@ ",
        "?&",
        "?",
        "password",
        'password="',
        "password:'\\",
        "[",
        "authorization: basic ",
    ],
)
def test_no_text_takes_long(piece):
    text = "anytls://x?" + piece * (200_000 // len(piece))
    start = time.monotonic()
    redact(text)
    assert time.monotonic() - start < SECONDS_FOR_ANY_TEXT


# ---- records


def test_a_record_is_redacted_before_its_handler_sees_it(ring):
    logging.getLogger("anytls.test").info("login with %s", "anytls://needle@host")
    (line,) = ring.lines
    assert line.text == f"login with anytls://{HIDDEN}@host"
    assert (line.number, line.level, line.logger, line.error) == (1, logging.INFO, "anytls.test", False)
    assert abs(line.time - time.time()) < 600


def test_an_errors_story_is_redacted_too(ring):
    try:
        raise LookupError("anytls://needle@host")
    except LookupError:
        logging.getLogger("anytls.test").exception("failed", stack_info=True)
    (line,) = ring.lines
    assert line.error
    assert line.text.startswith("failed\nTraceback")
    assert "LookupError" in line.text
    assert "Stack" in line.text
    assert "needle" not in line.text


def test_a_record_with_wrong_arguments_is_kept(ring):
    logging.getLogger("anytls.test").error("%d and %d", "password=x")  # noqa: PLE1206 (that is the point)
    assert ring.lines[0].text == f"%d and %d ('password={HIDDEN},)"


def test_a_record_without_an_exception_may_say_it_has_one(ring):
    logging.getLogger("anytls.test").error("odd", exc_info=True)
    assert ring.lines[0].text.splitlines()[0] == "odd"


def test_two_handlers_redact_a_record_once(monkeypatch, ring):
    second = LogRing()
    second.addFilter(Redaction())
    logging.getLogger().addHandler(second)
    redacted: list[str] = []

    def noted(text):
        redacted.append(text)
        return text

    monkeypatch.setattr(logs, "redact", noted)
    logging.getLogger("anytls.test").info("once")
    logging.getLogger().removeHandler(second)
    assert redacted == ["once"]
    assert [line.text for line in (*ring.lines, *second.lines)] == ["once", "once"]


def test_what_the_level_leaves_out_costs_nothing(ring):
    class Costly:
        def __str__(self):
            raise AssertionError("it was made a text")

    set_level("info")
    logging.getLogger("anytls.test").debug("%s", Costly())
    assert ring.lines == ()


def test_others_are_heard_from_warnings_on(ring):
    logging.getLogger("other").info("chatter")
    logging.getLogger("other").warning("careful")
    assert [line.text for line in ring.lines] == ["careful"]


# ---- in memory


def test_the_oldest_lines_make_room():
    ring = LogRing(limit=3)
    for number in range(5):
        ring.handle(logging.makeLogRecord({"msg": str(number), "levelno": 20}))
    assert [(line.number, line.text) for line in ring.lines] == [(3, "2"), (4, "3"), (5, "4")]


def test_numbers_go_on_after_clearing(ring):
    log = logging.getLogger("anytls.test")
    log.info("a")
    ring.clear()
    assert ring.lines == ()
    log.info("b")
    assert ring.lines[0].number == 2


async def test_lines_from_any_thread_come_on_the_followers_loop(ring):
    loop_thread, seen = threading.current_thread(), []

    def take(lines):
        assert threading.current_thread() is loop_thread
        seen.extend(lines)

    end = ring.follow(take)

    def talk(name):
        for number in range(200):
            logging.getLogger(f"anytls.{name}").info("%d", number)

    threads = [threading.Thread(target=talk, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    await until(lambda: len(seen) == 600)
    for thread in threads:
        thread.join()
    assert [line.number for line in seen] == list(range(1, 601))
    end()


async def test_lines_that_come_together_are_one_batch(ring):
    batches = []
    end = ring.follow(lambda lines: batches.append([line.text for line in lines]))
    for text in "abc":
        logging.getLogger("anytls.test").info(text)
    assert batches == []
    await until(lambda: batches)
    assert batches == [["a", "b", "c"]]
    end()


async def test_who_has_stopped_following_hears_nothing(ring):
    batches: list = []
    end = ring.follow(batches.append)
    logging.getLogger("anytls.test").info("on its way")
    end()
    logging.getLogger("anytls.test").info("later")
    await settle()
    assert batches == []


def test_a_follower_whose_loop_is_gone_harms_nobody(ring):
    async def follow():
        ring.follow(lambda _lines: None)

    asyncio.run(follow())
    logging.getLogger("anytls.test").info("still kept")
    assert ring.lines[-1].text == "still kept"


# ---- on disk


def test_the_file_holds_the_lines_and_no_secret(tmp_path):
    logs.start(tmp_path, "info")
    logging.getLogger("anytls.test").warning("with anytls://needle@host ☃ \udcff")
    logs.stop()
    path = tmp_path / logs.FILE_NAME
    text = path.read_text(encoding="utf-8")
    assert f"WARNING anytls.test: with anytls://{HIDDEN}@" in text
    assert "needle" not in text
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_files_stay_small_and_few(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "_FILE_BYTES", 2_000)
    logs.start(tmp_path, "info")
    for number in range(200):
        logging.getLogger("anytls.test").info("a line that is not short: %d", number)
    logs.stop()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [logs.FILE_NAME, f"{logs.FILE_NAME}.1", f"{logs.FILE_NAME}.2"]
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert "199" in files[0].read_text()


def test_a_file_that_cannot_be_written_costs_its_lines_alone(tmp_path, capsys):
    ring = logs.start(tmp_path / "missing", "info")
    logging.getLogger("anytls.test").info("kept")
    assert ring.lines[0].text == "kept"
    assert capsys.readouterr().err == ""


def test_stopping_leaves_no_handler():
    before = list(logging.getLogger().handlers)
    logs.start(None, "info")
    assert logging.getLogger().handlers != before
    logs.stop()
    assert logging.getLogger().handlers == before
    assert logging.getLogger("anytls").level == logging.NOTSET
