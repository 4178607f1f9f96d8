"""Many links with boxes to tick."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.client.importing import Candidate
from app.ui import theme
from app.ui.widgets.candidate_list import CandidateList, CandidateModel, remark
from tests.fakes.desk import profile

GOOD = Candidate(profile("Berlin"), ("x",))
KNOWN = Candidate(profile("Paris"), ("x",), duplicate_of="Old Paris")
BROKEN = Candidate(None, problem="It has no port.", source="anytls://…@rome")
CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


@pytest.fixture
def view(qtbot: QtBot) -> CandidateList:
    made = CandidateList(CandidateModel([GOOD, KNOWN, BROKEN]))
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def names(model: CandidateModel) -> list[str]:
    return [one.profile.name for one in model.ticked if one.profile]


def test_new_and_usable_ones_are_ticked_at_first(view: CandidateList) -> None:
    model = view.candidates
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    states = [model.index(at).data(Qt.ItemDataRole.CheckStateRole) for at in range(3)]
    assert states == [CHECKED, UNCHECKED, None]
    assert model.ticked == [GOOD]


def test_all_or_none(view: CandidateList) -> None:
    told: list[bool] = []
    view.candidates.ticked_changed.connect(lambda: told.append(True))
    view.candidates.tick_all(True)
    assert names(view.candidates) == ["Berlin", "Paris"]
    view.candidates.tick_all(False)
    assert names(view.candidates) == []
    assert len(told) == 2


def test_the_space_bar_ticks(qtbot: QtBot, view: CandidateList) -> None:
    view.setCurrentIndex(view.candidates.index(1))
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert names(view.candidates) == ["Berlin", "Paris"]
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert names(view.candidates) == ["Berlin"]
    view.setCurrentIndex(view.candidates.index(2))
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert names(view.candidates) == ["Berlin"]


@pytest.mark.parametrize("rtl", [False, True])
def test_a_click_on_the_box_ticks_and_one_beside_it_looks(qtbot: QtBot, view: CandidateList, rtl: bool) -> None:
    view.setLayoutDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    shown: list[Candidate] = []
    view.current_changed.connect(shown.append)
    line = view.visualRect(view.candidates.index(1))
    edge = line.right() - 14 if rtl else line.left() + 14
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(edge, line.center().y()))
    assert names(view.candidates) == ["Berlin", "Paris"]
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=line.center())
    assert names(view.candidates) == ["Berlin", "Paris"]
    assert shown == [KNOWN]


def test_each_line_says_what_matters_most() -> None:
    assert remark(BROKEN) == ("It has no port.", "bad")
    assert remark(Candidate(profile(), dangers=("Danger.",), notes=("Note.",), duplicate_of="x")) == ("Danger.", "bad")
    assert remark(KNOWN) == ("Already there as “Old Paris”", "warn")
    assert remark(Candidate(profile(), notes=("Note.",))) == ("Note.", "faint")
    assert remark(GOOD) == ("", "faint")


def test_lines_can_be_heard(view: CandidateList) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    said = [view.candidates.index(at).data(role) for at in range(3)]
    assert said == [
        "Berlin, berlin.example.org:443",
        "Paris, berlin.example.org:443, Already there as “Old Paris”",
        "anytls://…@rome, It has no port.",
    ]
    assert view.candidates.index(2).data(Qt.ItemDataRole.ToolTipRole) == "It has no port."
    assert view.candidates.index(0).data(Qt.ItemDataRole.FontRole) is None
    assert view.accessibleName() == "Links"


def test_ticks_and_troubles_are_seen(view: CandidateList) -> None:
    def colors(row: int) -> set[str]:
        image = view.viewport().grab(view.visualRect(view.candidates.index(row))).toImage()
        everywhere = ((x, y) for x in range(40) for y in range(image.height()))
        return {image.pixelColor(x, y).name().upper() for x, y in everywhere}

    assert theme.tokens().accent in colors(0)
    assert theme.tokens().accent not in colors(1)
    assert theme.tokens().bad in colors(2)


def test_ten_thousand_lines_open_at_once(qtbot: QtBot) -> None:
    view = CandidateList(CandidateModel([GOOD] * 10_000))
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.grab()
    assert len(view.viewport().children()) < 5
    assert view.candidates.rowCount() == 10_000
    assert view.candidates.rowCount(view.candidates.index(0)) == 0
