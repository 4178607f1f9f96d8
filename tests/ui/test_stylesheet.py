"""The style sheet names no colour of its own, and every picture it names is there in the right colours."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from app.ui.stylesheet import stylesheet
from app.ui.tokens import DARK, LIGHT, Tokens

both = pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])


@both
def test_only_the_colours_of_its_scheme(colors: Tokens) -> None:
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", stylesheet(colors)))
    assert used <= set(asdict(colors).values())
    assert colors.accent in used


@both
def test_nothing_is_left_to_fill_in(colors: Tokens) -> None:
    assert "$" not in stylesheet(colors)


@both
def test_pictures_are_there_in_the_colours_of_the_scheme(colors: Tokens) -> None:
    files = {Path(name) for name in re.findall(r'url\("([^"]+)"\)', stylesheet(colors))}
    assert {file.name for file in files} >= {"down.svg", "up.svg", "check.svg", "dash.svg", "dot.svg", "tick.svg"}
    for file in files:
        drawn_in = set(re.findall(r"#[0-9A-Fa-f]{6}", file.read_text(encoding="utf-8")))
        assert drawn_in <= {colors.muted, colors.on_accent, colors.accent}


def test_texts_grow_with_those_of_the_desktop() -> None:
    assert "font-size: 20px" in stylesheet(LIGHT)
    assert "font-size: 30px" in stylesheet(LIGHT, 1.5)
    assert "font-size: 18px" in stylesheet(LIGHT, 1.5)


@both
def test_braces_are_balanced(colors: Tokens) -> None:
    sheet = stylesheet(colors)
    assert sheet.count("{") == sheet.count("}")


@pytest.mark.parametrize(
    "part",
    [
        "QPushButton",
        "QLineEdit",
        "QComboBox::down-arrow",
        "QCheckBox::indicator",
        "QRadioButton::indicator",
        "QTableView",
        "QListView::item",
        "QHeaderView::section",
        "QMenu::item",
        "QToolTip",
        "QScrollBar::handle",
        "QSpinBox::up-button",
        "QTabBar::tab",
        "QDialog",
        'QPushButton[kind="primary"]:focus',
        'QFrame[role="card"]',
    ],
)
def test_everything_is_dressed(part: str) -> None:
    assert part in stylesheet(LIGHT)
