"""What the pictures are judged by finds what is wrong, and nothing where all is well."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.base import icon_button, label
from tests.ui.gallery import Hebrew, Longer, Look, colors, contrast, faint_words, flaws, picture


def shown(qtbot: QtBot, *parts: QWidget, width: int = 300) -> QWidget:
    top = QWidget()
    qtbot.addWidget(top)
    layout = QVBoxLayout(top)
    for part in parts:
        layout.addWidget(part)
    top.resize(width, 200)
    top.show()
    return top


def test_nothing_is_wrong_with_what_has_room_and_a_name(qtbot: QtBot) -> None:
    assert flaws(shown(qtbot, label(text="Berlin"), QPushButton("Test"), icon_button("copy", "Copy"))) == []


def test_words_that_are_cut_off_are_found(qtbot: QtBot) -> None:
    narrow, low = QLabel("a long word or two"), QLabel("words of more than one line " * 8, wordWrap=True)
    narrow.setFixedWidth(20)
    low.setFixedHeight(20)
    found = flaws(shown(qtbot, narrow, low))
    assert len(found) == 2
    assert "20 px wide" in found[0]
    assert "20 px high" in found[1]


def test_what_reaches_beyond_its_ground_is_found(qtbot: QtBot) -> None:
    wide = QPushButton("Test")
    top = shown(qtbot, wide)
    wide.setGeometry(250, 0, 100, 30)
    assert flaws(top) == ["QPushButton “Test”: reaches from 250 to 349 of 300 px"]


@pytest.mark.parametrize("control", [QPushButton, QLineEdit])
def test_a_control_without_a_name_is_found(qtbot: QtBot, control: type[QWidget]) -> None:
    assert flaws(shown(qtbot, control())) == [f"{control.__name__} in QWidget: has no name"]


def test_what_is_hidden_is_not_judged(qtbot: QtBot) -> None:
    hidden = QPushButton()
    top = shown(qtbot, hidden)
    hidden.hide()
    assert flaws(top) == []


@pytest.mark.parametrize(("ink", "readable"), [("#000000", True), ("#8A8A8A", False)])
def test_words_are_measured_against_their_ground(qtbot: QtBot, ink: str, readable: bool) -> None:
    words = QLabel("HHH")
    words.setStyleSheet(f"color: {ink}; background: #FFFFFF; font-size: 24px;")
    top = shown(qtbot, words)
    assert (faint_words(top, picture(top, 2)) == []) is readable


def test_contrast_is_measured_as_the_guideline_does() -> None:
    assert contrast(QColor("#777777"), QColor("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


def test_a_picture_is_as_dense_as_its_screen(qtbot: QtBot) -> None:
    top = shown(qtbot, label(text="Berlin"))
    assert picture(top, 2).size() == QSize(600, 400)
    assert picture(top).size() == QSize(300, 200)


def test_a_blank_picture_has_one_colour(qtbot: QtBot) -> None:
    assert colors(picture(shown(qtbot))) == 1
    assert colors(picture(shown(qtbot, label(text="Berlin")))) > 5


def test_a_look_is_named_by_words() -> None:
    assert Look.of("light") == Look()
    assert Look.of("dark rtl double long") == Look(dark=True, ratio=2, rtl=True, long=True)


def test_the_longer_language_is_40_percent_longer() -> None:
    text = "The program “{name}” listens on it."
    longer = Longer().translate("", text)
    assert longer.startswith(text)
    assert 1.3 < len(longer) / len(text) < 1.6


def test_the_other_script_keeps_fields_and_names() -> None:
    assert Hebrew().translate("", "{idle} of {timeout}") == "{idle} ופ {timeout}"
    assert Hebrew().translate("", "TLS") == "TLS"
