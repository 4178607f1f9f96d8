import sys

from app.loops import new_event_loop


def test_the_fast_loop_is_taken_where_there_is_one():
    loop = new_event_loop()
    loop.close()
    assert type(loop).__module__.split(".")[0] in ("uvloop", "winloop")


def test_the_standard_loop_serves_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setitem(sys.modules, "winloop", None)
    loop = new_event_loop()
    loop.close()
    assert type(loop).__module__.startswith("asyncio")
