"""One family of icons, in the colours in force; five tray icons told apart by their shape alone."""

import itertools
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.ui import assets, icons
from app.ui.theme import Theme
from app.ui.tokens import DARK, LIGHT

PROMISED = [
    "home",
    "profiles",
    "connections",
    "logs",
    "settings",
    "power",
    "copy",
    "close",
    "search",
    "add",
    "edit",
    "duplicate",
    "trash",
    "test",
    "more",
    "check",
    "warning",
    "error",
    "info",
    "chevron",
    "drag",
    "eye",
    "eye-off",
    "dice",
    "import",
    "up",
    "down",
    "pause",
    "play",
    "undo",
    "shield",
    "link",
    "filter",
]

FAMILY = sorted(
    file
    for file in assets.path("icons/home.svg").parent.glob("*.svg")
    if not file.stem.startswith("tray-") and file.stem != "app"
)


def drawn(icon: QIcon, size: int) -> QImage:
    return icon.pixmap(QSize(size, size), 1.0).toImage().convertToFormat(QImage.Format.Format_ARGB32)


def ink(image: QImage) -> list[float]:
    """How much is drawn at each point, from 0 to 1."""
    places = itertools.product(range(image.height()), range(image.width()))
    return [QColor.fromRgba(image.pixel(x, y)).alphaF() for y, x in places]


def colors(image: QImage) -> set[str]:
    """The colours of what is fully drawn."""
    places = itertools.product(range(image.height()), range(image.width()))
    found = (QColor.fromRgba(image.pixel(x, y)) for y, x in places)
    return {color.name() for color in found if color.alpha() == 255}


@pytest.mark.parametrize("name", PROMISED)
def test_promised_icons_are_there(qapp: QApplication, name: str) -> None:
    image = drawn(icons.icon(name), 20)
    assert image.size() == QSize(20, 20)
    assert 8 < sum(ink(image)) < 200


@pytest.mark.parametrize("file", FAMILY, ids=lambda file: file.stem)
def test_one_family(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert 'viewBox="0 0 20 20"' in source
    assert 'stroke-width="1.5"' in source
    assert source.count("stroke-width") == 1
    assert "currentColor" in source
    assert not re.search(r"#[0-9A-Fa-f]{3,8}", source)


@pytest.mark.parametrize("file", FAMILY, ids=lambda file: file.stem)
def test_nothing_is_cut_off(qapp: QApplication, file: Path) -> None:
    image = drawn(icons.icon(file.stem), 40)
    last = image.width() - 1
    edges = [image.pixel(x, y) for x in range(last + 1) for y in (0, last)]
    edges += [image.pixel(x, y) for y in range(last + 1) for x in (0, last)]
    assert all(QColor.fromRgba(edge).alpha() == 0 for edge in edges)


def test_an_unknown_name_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("no such icon")


def test_colours_are_those_in_force(qapp: QApplication) -> None:
    look = Theme()
    try:
        for mode, scheme in (("dark", DARK), ("light", LIGHT)):
            look.apply(qapp, mode)
            assert colors(drawn(icons.icon("more"), 40)) == {scheme.text.lower()}
            assert colors(drawn(icons.icon("more", "bad"), 40)) == {scheme.bad.lower()}
            assert colors(drawn(icons.icon("more", "#102030"), 40)) == {"#102030"}
    finally:
        look.apply(qapp, "light")


def test_an_icon_that_is_disabled_is_paler(qapp: QApplication) -> None:
    image = icons.icon("more").pixmap(QSize(40, 40), 1.0, QIcon.Mode.Disabled).toImage()
    assert colors(image.convertToFormat(QImage.Format.Format_ARGB32)) == {LIGHT.disabled.lower()}


def test_made_once(qapp: QApplication) -> None:
    assert icons.icon("home", "accent").cacheKey() == icons.icon("home", "accent").cacheKey()


def test_sharp_at_every_density(qapp: QApplication) -> None:
    picture = icons.pixmap("home", 20, "accent", 2.0)
    assert picture.size() == QSize(40, 40)
    assert picture.deviceIndependentSize().toSize() == QSize(20, 20)
    assert drawn(icons.icon("home"), 40).size() == QSize(40, 40)


@pytest.mark.parametrize("size", [16, 22])
def test_tray_icons_differ_in_shape(qapp: QApplication, size: int) -> None:
    shapes = {state: ink(drawn(icons.tray_icon(state, dark_panel=False), size)) for state in icons.TRAY_STATES}
    for one, other in itertools.combinations(shapes, 2):
        differs = sum(abs(a - b) > 0.5 for a, b in zip(shapes[one], shapes[other], strict=True))
        least = 5 if {one, other} == {"connecting", "connecting-2"} else 8
        assert differs >= least, f"{one} and {other} look alike at {size} px"


@pytest.mark.parametrize("state", icons.TRAY_STATES)
def test_tray_icons_stand_out_on_their_panel(qapp: QApplication, state: str) -> None:
    for dark_panel in (False, True):
        image = drawn(icons.tray_icon(state, dark_panel), 64)
        assert all((QColor(color).lightness() > 128) == dark_panel for color in strong(image))


@pytest.mark.parametrize("dark_panel", [False, True])
def test_tray_icons_can_be_seen_on_a_panel_that_was_guessed_wrong(qapp: QApplication, dark_panel: bool) -> None:
    panel = QColor("#ffffff" if dark_panel else "#202020")
    image = QImage(22, 22, QImage.Format.Format_RGB32)
    image.fill(panel)
    painter = QPainter(image)
    painter.drawImage(0, 0, drawn(icons.tray_icon("off", dark_panel), 22))
    painter.end()
    places = itertools.product(range(22), range(22))
    assert max(abs(image.pixelColor(x, y).lightness() - panel.lightness()) for x, y in places) > 40


def strong(image: QImage) -> set[str]:
    """The colours that make the shape, not those of its faint edge."""
    counted: dict[str, int] = {}
    for y, x in itertools.product(range(image.height()), range(image.width())):
        color = QColor.fromRgba(image.pixel(x, y))
        if color.alpha() == 255:
            counted[color.name()] = counted.get(color.name(), 0) + 1
    return {color for color, count in counted.items() if count > 20}


def test_the_app_has_an_icon_in_colour(qapp: QApplication) -> None:
    assert len(colors(drawn(icons.app_icon(), 48))) > 3
    assert icons.app_icon().availableSizes()[-1] == QSize(256, 256)


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_icon_beside_words_keeps_its_distance(qapp: QApplication, mirrored: bool) -> None:
    made = icons.icon_beside("add", "text", 18, 4, mirrored=mirrored)
    for ratio in (1.0, 2.0):
        picture = made.pixmap(QSize(22, 18), ratio).toImage()
        gap = range(4 * int(ratio))
        columns = [x if mirrored else picture.width() - 1 - x for x in gap]
        assert all(picture.pixelColor(x, y).alpha() == 0 for x in columns for y in range(picture.height()))
        assert any(picture.pixelColor(x, picture.height() // 2).alpha() for x in range(picture.width()))
