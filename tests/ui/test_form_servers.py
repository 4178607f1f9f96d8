"""Rows of servers, added, filled and taken away."""

import pytest
from pytestqt.qtbot import QtBot

from app.client.form import ServerDraft
from app.ui.form_servers import ServerRow, ServerRows


@pytest.fixture
def rows(qtbot: QtBot) -> ServerRows:
    made = ServerRows()
    qtbot.addWidget(made)
    made.set_values((ServerDraft("a.example", "1"), ServerDraft("b.example", "2", stored=1)))
    made.show()
    return made


def test_what_goes_in_comes_out(rows: ServerRows) -> None:
    assert rows.values() == (ServerDraft("a.example", "1"), ServerDraft("b.example", "2", stored=1))


def test_a_row_is_added_and_ready_to_type_in(qtbot: QtBot, rows: ServerRows) -> None:
    with qtbot.waitSignal(rows.edited):
        rows.add.click()
    assert rows.values()[2] == ServerDraft()
    assert rows.focusWidget() is rows.rows[2].host


def test_a_row_is_taken_away_but_never_the_last(qtbot: QtBot, rows: ServerRows) -> None:
    assert rows.rows[0].remove.isVisible()
    assert rows.title.text() == "Servers"
    with qtbot.waitSignal(rows.edited):
        rows.rows[0].remove.click()
    assert [it.host for it in rows.values()] == ["b.example"]
    assert not rows.rows[0].remove.isVisible()
    assert rows.title.text() == "Server"


def test_other_values_take_the_place_of_all_rows(rows: ServerRows) -> None:
    rows.set_values((ServerDraft("c.example"),))
    assert [it.host for it in rows.values()] == ["c.example"]


def test_typing_tells_of_the_change(qtbot: QtBot, rows: ServerRows) -> None:
    with qtbot.waitSignal(rows.edited):
        qtbot.keyClicks(rows.rows[0].host, "x")
    assert rows.values()[0].host == "a.examplex"


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("example.org:8443", "example.org", "8443"),
        ("[2001:db8::1]:99", "2001:db8::1", "99"),
        ("example.org", "example.org", "443"),
    ],
)
def test_a_pasted_address_goes_into_both_fields(qtbot: QtBot, typed: str, host: str, port: str) -> None:
    row = ServerRow(ServerDraft())
    qtbot.addWidget(row)
    row.host.setText(typed)
    row.host.editingFinished.emit()
    assert (row.host.text(), row.port.text()) == (host, port)


def test_problems_are_said_once_something_is_typed(qtbot: QtBot, rows: ServerRows) -> None:
    problems = {"servers.0.host": "Bad host.", "servers.1.port": "Bad port.", "servers.0.port": "Not touched."}
    rows.show_problems(problems)
    assert not any(row.problem.isVisible() for row in rows.rows)
    qtbot.keyClicks(rows.rows[0].host, "!")
    qtbot.keyClicks(rows.rows[1].port, "!")
    rows.show_problems(problems)
    assert [row.problem.text() for row in rows.rows] == ["Bad host.", "Bad port."]
    assert rows.rows[0].host.property("invalid") is True
    assert rows.rows[0].host.accessibleDescription() == "Bad host."
    assert not rows.rows[0].port.property("invalid")
    rows.show_problems({})
    assert not rows.rows[0].problem.isVisible()


def test_a_problem_of_the_whole_list(rows: ServerRows) -> None:
    rows.show_problems({"servers": "Too many."})
    assert (rows.problem.isVisible(), rows.problem.text()) == (True, "Too many.")
    rows.show_problems({})
    assert not rows.problem.isVisible()


def test_each_server_may_have_its_own_password(rows: ServerRows) -> None:
    assert rows.rows[0].password.isHidden()
    rows.set_own_passwords(True)
    rows.add.click()
    assert not any(row.password.isHidden() for row in rows.rows)
    rows.rows[0].password.set_text("typed")
    assert rows.values()[0].password == "typed"


def test_saved_passwords_find_their_rows(rows: ServerRows) -> None:
    rows.fill_passwords(("one", "two"))
    assert [it.password for it in rows.values()] == ["", "two"]
    rows.rows[1].password.set_text("typed")
    rows.fill_passwords(("one", "two"))
    assert rows.values()[1].password == "typed"
    rows.rows[1].password.set_text("")
    rows.fill_passwords(("one",))
    assert rows.values()[1].password == ""


def test_every_control_has_a_name(rows: ServerRows) -> None:
    row = rows.rows[0]
    controls = (row.host, row.port, row.password.edit, row.remove)
    assert all(control.accessibleName() for control in controls)
    assert row.password.edit.placeholderText() == "password of this server"
    assert rows.rows[1].password.edit.placeholderText() == "saved; type to change it"
