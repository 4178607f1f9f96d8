"""Light, dark, and what the desktop wants; changed while everything runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.theme import Theme
from app.ui.tokens import DARK, LIGHT


@pytest.fixture
def look(qapp: QApplication) -> Iterator[Theme]:
    one = Theme()
    yield one
    one.apply(qapp, "light")


def test_mode_decides(qapp: QApplication, look: Theme) -> None:
    look.apply(qapp, "dark")
    assert look.tokens is theme.tokens() is DARK
    assert look.dark
    look.apply(qapp, "light")
    assert look.tokens is LIGHT
    assert not look.dark


def test_palette_and_sheet_follow_at_once(qtbot: QtBot, qapp: QApplication, look: Theme) -> None:
    look.apply(qapp, "light")
    widget = QLabel("x")
    qtbot.addWidget(widget)
    widget.show()
    for mode, colors in (("dark", DARK), ("light", LIGHT)):
        look.apply(qapp, mode)
        assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == colors.window
        assert widget.palette().color(QPalette.ColorRole.WindowText).name().upper() == colors.text
        assert colors.surface in qapp.styleSheet()


def test_changed_comes_when_all_is_in_force(qapp: QApplication, look: Theme) -> None:
    seen: list[tuple[str, bool]] = []
    look.changed.connect(lambda: seen.append((theme.tokens().window, theme.tokens().window in qapp.styleSheet())))
    look.apply(qapp, "dark")
    assert seen == [(DARK.window, True)]


def test_system_follows_the_desktop(qapp: QApplication, look: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Desktop(monkeypatch)
    look.apply(qapp, "system")
    desktop.turn(Qt.ColorScheme.Dark, qapp)
    assert look.dark
    assert theme.desktop_is_dark()
    desktop.turn(Qt.ColorScheme.Light, qapp)
    assert not look.dark
    assert not theme.desktop_is_dark()


def test_a_chosen_mode_does_not(qapp: QApplication, look: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Desktop(monkeypatch)
    look.apply(qapp, "light")
    desktop.turn(Qt.ColorScheme.Dark, qapp)
    assert not look.dark
    assert not theme.desktop_is_dark()  # last seen; what it says now may be our own wish


class Desktop:
    """A desktop that has colours, which the one without a screen has not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scheme = Qt.ColorScheme.Light
        monkeypatch.setattr(theme, "_is_dark", lambda _app: self.scheme == Qt.ColorScheme.Dark)

    def turn(self, scheme: Qt.ColorScheme, app: QApplication) -> None:
        self.scheme = scheme
        app.styleHints().colorSchemeChanged.emit(scheme)


def test_colours_by_name_and_by_value(qapp: QApplication, look: Theme) -> None:
    look.apply(qapp, "dark")
    assert theme.color("accent").name().upper() == DARK.accent
    assert theme.color("#123456").name() == "#123456"
    with pytest.raises(AttributeError):
        theme.color("no such colour")


def test_fonts(qapp: QApplication, look: Theme) -> None:
    look.apply(qapp, "light")
    assert theme.font().pixelSize() == 13
    assert theme.font("headline").pixelSize() == 20
    assert theme.font("headline").weight() == QFont.Weight.DemiBold
    assert theme.font("small").pixelSize() == 12
    assert QFontInfo(theme.font("mono")).fixedPitch()


@pytest.mark.parametrize("kind", ["body", "headline", "title", "small", "figure"])
def test_figures_are_of_one_width(qapp: QApplication, look: Theme, kind: theme.Kind) -> None:
    look.apply(qapp, "light")
    assert theme.font(kind).featureValue(QFont.Tag("tnum")) == 1


@pytest.mark.parametrize("sheet", ["", "font-size: 20px; font-weight: 600"])
def test_the_style_sheet_leaves_figures_of_one_width(qtbot: QtBot, qapp: QApplication, look: Theme, sheet: str) -> None:
    look.apply(qapp, "light")
    widget = QLabel("1")
    qtbot.addWidget(widget)
    widget.setStyleSheet(sheet)
    widget.ensurePolished()
    assert widget.font().featureValue(QFont.Tag("tnum")) == 1


def test_texts_grow_with_those_of_the_desktop(qapp: QApplication, look: Theme) -> None:
    usual = qapp.font()
    large = QFont(usual)
    large.setPixelSize(18)
    huge = QFont(usual)
    huge.setPixelSize(60)
    try:
        assert theme._text_scale(qapp) == 1.0
        qapp.setFont(large)
        assert theme._text_scale(qapp) == pytest.approx(1.2)
        qapp.setFont(huge)
        assert theme._text_scale(qapp) == 1.6
    finally:
        qapp.setFont(usual)


def test_an_address_is_kept_left_to_right() -> None:
    assert theme.ltr("127.0.0.1:1080") == "\u2066127.0.0.1:1080\u2069"
    assert theme.ltr("") == ""


def test_nothing_moves_without_a_screen(qapp: QApplication) -> None:
    assert theme.reduced_motion()


@pytest.mark.parametrize(
    ("file", "line", "still"),
    [
        ("gtk-3.0/settings.ini", "gtk-enable-animations=0", True),
        ("gtk-4.0/settings.ini", "gtk-enable-animations = false", True),
        ("gtk-3.0/settings.ini", "gtk-enable-animations=1", False),
        ("kdeglobals", "AnimationDurationFactor=0", True),
        ("kdeglobals", "AnimationDurationFactor=0.5", False),
        ("kdeglobals", "\xff", False),
    ],
)
def test_what_desktops_say_of_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, line: str, still: bool
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    place = tmp_path / file
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(f"[Settings]\n{line}\n".encode("latin-1"))
    theme._files_say_still.cache_clear()
    try:
        assert theme._files_say_still() == still
    finally:
        theme._files_say_still.cache_clear()


def test_a_focused_control_keeps_its_size(qtbot: QtBot, qapp: QApplication, look: Theme) -> None:
    look.apply(qapp, "light")
    first, second = QPushButton("One"), QPushButton("One")
    for one in (first, second):
        qtbot.addWidget(one)
        one.show()
    before = first.sizeHint()
    second.setFocus()
    assert first.sizeHint() == before == second.sizeHint()


def test_a_figure_runs_as_its_unit_does() -> None:
    assert theme.figure("12 ms") == theme.ltr("12 ms")
    assert theme.figure("12 מ״ש") == "\u206812 מ״ש\u2069"
    assert theme.figure("") == ""


@pytest.mark.parametrize(("text", "found"), [("", False), ("12 ms", False), ("ms שנ", True), ("ميونخ", True)])
def test_scripts_from_right_to_left_are_known(text: str, found: bool) -> None:
    assert theme.has_rtl(text) is found


def test_a_sentence_runs_as_the_window_does(qapp: QApplication) -> None:
    assert theme.sentence("TLS עובד") == "TLS עובד"
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    marked, plain = theme.sentence("TLS עובד"), theme.sentence("berlin.example.org")
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    assert (marked, plain) == (f"{theme.RTL_MARK}TLS עובד", "berlin.example.org")
