"""The first minutes: a link, a test, a connection; each step on a real server."""

from collections.abc import AsyncIterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.engine.options import Server
from app.sharing.links import make_link
from app.ui.bridge import Bridge
from app.ui.first_run import FirstRun
from app.ui.profile_form import ProfileForm
from tests.fakes.desk import Desk, profile, profile_of
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until


@pytest.fixture
async def server(the_desk: Desk) -> AsyncIterator[Server]:
    async with anytls_server() as one:
        yield one
        await the_desk.control.disconnect()


@pytest.fixture
async def first(qtbot: QtBot, bridge: Bridge) -> FirstRun:
    made = FirstRun(bridge)
    qtbot.addWidget(made)
    made.resize(800, 700)
    made.show()
    return made


def states(first: FirstRun) -> list[str]:
    return [step.state for step in first.steps]


async def test_it_begins_with_a_link(first: FirstRun) -> None:
    assert states(first) == ["now", "later", "later"]
    assert first.link.isVisible()
    assert first.demo.isVisible()
    assert not first.preview.isVisible()


async def test_all_three_steps(first: FirstRun, server: Server, the_desk: Desk) -> None:
    first.link.setText(make_link(profile_of(server, "Berlin"), (PASSWORD,)))
    assert first.preview.isVisible()
    assert first.preview.name.text() == "Berlin"
    assert first.link.text() == ""  # the link holds the password
    assert the_desk.profiles.entries == ()
    first.use.click()
    await until(lambda: states(first) == ["done", "done", "now"])
    assert first.steps[0].summary.text().startswith("Berlin")
    assert first.steps[1].summary.text().endswith("s")
    assert the_desk.client.state is State.OFF
    first.connect_.click()
    await until(lambda: the_desk.client.state is State.ON)
    assert "You are through" in first.through.text()
    assert str(the_desk.client.address.port if the_desk.client.address else "none") in first.through.text()
    finished: list[bool] = []
    first.finished.connect(lambda: finished.append(True))
    first.connect_.click()
    assert finished == [True]


async def test_paste_takes_the_clipboard(first: FirstRun) -> None:
    QGuiApplication.clipboard().setText("anytls://secret@berlin.example.org#Berlin")
    first.paste.click()
    assert first.preview.name.text() == "Berlin"
    first.other.click()
    assert not first.preview.isVisible()
    assert first.link.isVisible()


@pytest.mark.parametrize(
    ("text", "part"),
    [("hello", "No anytls:// link was found"), ("anytls://nobody", "cannot be used"), ("", "No anytls:// link")],
)
async def test_what_is_no_link_is_told(first: FirstRun, text: str, part: str) -> None:
    QGuiApplication.clipboard().setText(text or " ")
    first.paste.click()
    assert first.problem.isVisible()
    assert part in first.problem.text()
    first.link.setText("a")
    assert not first.problem.isVisible()


async def test_several_links_go_to_the_preview_of_all(first: FirstRun, bridge: Bridge) -> None:
    asked: list[list] = []
    bridge.import_asked.connect(asked.append)
    QGuiApplication.clipboard().setText("anytls://x@a.example#A\nanytls://x@b.example#B")
    first.paste.click()
    await until(lambda: asked)
    assert len(asked[0]) == 2
    assert not first.preview.isVisible()


async def test_a_profile_added_another_way_counts(first: FirstRun, the_desk: Desk) -> None:
    (berlin,) = await the_desk.add("Berlin")
    assert states(first) == ["done", "now", "later"]
    await the_desk.profiles.remove([berlin.id])
    assert states(first) == ["now", "later", "later"]


async def test_a_failed_test_says_why_and_helps(first: FirstRun, the_desk: Desk) -> None:
    await the_desk.profiles.add(profile("Closed", "127.0.0.1", 1, min_idle=0), ("secret",))
    first.test.click()
    assert not first.test.isEnabled()
    await until(first.anyway.isVisible)
    assert states(first) == ["done", "now", "later"]
    assert "127.0.0.1 port 1" in first.tested.sentence.text()
    first.tested.help_asked.emit("retry")
    assert not first.test.isEnabled()
    await until(first.anyway.isVisible)
    first.anyway.click()
    await until(lambda: the_desk.client.state is State.FAILED)
    assert states(first) == ["done", "done", "now"]
    assert first.connected.sentence.text()


async def test_help_opens_the_form_or_a_page(first: FirstRun, bridge: Bridge, the_desk: Desk) -> None:
    pages: list[str] = []
    bridge.window_asked.connect(pages.append)
    await the_desk.add("Berlin")
    first.tested.help_asked.emit("edit")
    (form,) = first.findChildren(ProfileForm)
    form.done(QDialog.DialogCode.Rejected)
    await until(lambda: not first.findChildren(ProfileForm))
    first.tested.help_asked.emit("logs")
    assert pages == ["logs"]


async def test_never_mind_leaves_the_test_where_it_was(first: FirstRun, the_desk: Desk) -> None:
    await the_desk.profiles.add(profile(), ("",))
    first.test.click()
    await until(lambda: the_desk.answers.asked)
    await until(first.test.isEnabled)
    assert states(first) == ["done", "now", "later"]


async def test_the_demo_goes_all_the_way(first: FirstRun, the_desk: Desk) -> None:
    first.demo.click()
    await until(lambda: the_desk.client.state is State.ON)
    assert states(first) == ["done", "done", "now"]
    assert first.through.isVisible()
    assert not first.leave.isVisible()
    await the_desk.control.disconnect()


async def test_it_can_be_skipped(qtbot: QtBot, first: FirstRun) -> None:
    with qtbot.waitSignal(first.finished):
        first.leave.click()


@pytest.mark.parametrize("width", [360, 800])
async def test_nothing_is_wider_than_the_window(first: FirstRun, width: int) -> None:
    first.link.setText("anytls://secret@berlin.example.org/?insecure=1#Berlin")
    first.resize(width, 600)
    assert all(step.width() <= width for step in first.steps)
    first.retranslate()
    assert first.headline.text() == "Three steps and you are through"
