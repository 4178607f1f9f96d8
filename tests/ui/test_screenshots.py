"""Pictures of everything there is to see, made anew into tests/ui/screenshots/ for whoever wants to look at them.

Each picture is of a real widget on a real bridge; what can be told without eyes is told here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from PySide6.QtCore import QCoreApplication, QSize, Qt, QTranslator
from PySide6.QtWidgets import QApplication, QDialog
from shiboken6 import isValid

from app import texts
from app.ui import theme
from app.ui.bridge import Bridge
from app.ui.theme import Theme
from tests.fakes.desk import Desk
from tests.fakes.waiting import settle
from tests.ui import scenes
from tests.ui.gallery import (
    FONT,
    Hebrew,
    Longer,
    Look,
    colors,
    faint_words,
    flaws,
    picture,
)
from tests.ui.scenes import Scene, Set

FOLDER: Final = Path(__file__).parent / "screenshots"

SMALL, USUAL, WIDE = QSize(360, 480), QSize(960, 680), QSize(1200, 800)
NONE: Final = QSize()

SHOTS: Final[list[tuple[Scene, QSize, tuple[str, ...]]]] = [
    (scenes.first_run, USUAL, ("light", "dark rtl")),
    (scenes.first_run, SMALL, ("light",)),
    (scenes.first_run_link, USUAL, ("dark long",)),
    (scenes.home_empty, USUAL, ("light",)),
    (scenes.home_off, USUAL, ("light",)),
    (scenes.home_connecting, USUAL, ("dark",)),
    (scenes.home_on, USUAL, ("light", "dark", "light double", "dark rtl", "light long")),
    (scenes.home_on, SMALL, ("light", "dark rtl")),
    (scenes.home_degraded, USUAL, ("light",)),
    (scenes.home_failed, USUAL, ("dark", "light rtl")),
    (scenes.home_failed, SMALL, ("light long",)),
    (scenes.home_rejected, USUAL, ("light", "dark rtl")),
    (scenes.home_rejected, SMALL, ("dark long",)),
    (scenes.home_pin_mismatch, USUAL, ("dark", "light rtl")),
    (scenes.home_pin_mismatch, SMALL, ("light",)),
    (scenes.home_unchecked, USUAL, ("light", "dark double")),
    (scenes.home_unchecked, SMALL, ("dark rtl",)),
    (scenes.profiles_rejected, USUAL, ("light", "dark long")),
    (scenes.profiles, USUAL, ("light", "dark", "light rtl", "dark double")),
    (scenes.profiles, SMALL, ("dark", "light rtl")),
    (scenes.profiles, WIDE, ("light long",)),
    (scenes.profiles_many, WIDE, ("light",)),
    (scenes.profiles_empty, USUAL, ("dark",)),
    (scenes.profiles_searched, USUAL, ("dark",)),
    (scenes.connections, USUAL, ("light", "dark rtl", "light long")),
    (scenes.connections, SMALL, ("light",)),
    (scenes.connections, WIDE, ("dark double",)),
    (scenes.connections_empty, USUAL, ("light",)),
    (scenes.logs, USUAL, ("light", "dark rtl")),
    (scenes.logs, SMALL, ("dark", "light long")),
    (scenes.logs_empty, USUAL, ("light",)),
    (scenes.settings, USUAL, ("light", "dark double", "dark rtl", "light long")),
    (scenes.settings, SMALL, ("light", "dark rtl")),
    (scenes.settings_end, WIDE, ("light",)),
    (scenes.import_one, NONE, ("light", "dark rtl")),
    (scenes.import_several, NONE, ("light", "dark rtl")),
    (scenes.import_insecure, NONE, ("light double",)),
    (scenes.form_new, USUAL, ("light",)),
    (scenes.form_new, SMALL, ("dark rtl",)),
    (scenes.form_whole, QSize(560, 1500), ("light", "dark rtl")),
    (scenes.form_tls, QSize(560, 1700), ("light", "dark double", "dark rtl")),
    (scenes.form_tls, QSize(360, 2000), ("light long",)),
    (scenes.form_tls_wrong, QSize(560, 1900), ("light", "dark rtl")),
    (scenes.form_tcp, QSize(560, 1700), ("light", "dark long")),
    (scenes.certificate_unknown, NONE, ("light", "dark double", "dark rtl", "light long")),
    (scenes.certificate_expired, NONE, ("dark",)),
    (scenes.certificate_changed, NONE, ("light", "dark rtl", "dark double", "light long")),
    (scenes.certificate_key_changed, NONE, ("dark",)),
    (scenes.port_in_use, NONE, ("light", "dark rtl long")),
    (scenes.master_password, NONE, ("dark",)),
    (scenes.new_master_password, NONE, ("light",)),
    (scenes.protection, NONE, ("light double",)),
    (scenes.switch_question, NONE, ("light", "dark rtl")),
    (scenes.crash, NONE, ("dark",)),
    (scenes.tray_menu, NONE, ("light", "dark rtl")),
    (scenes.switcher, NONE, ("light", "dark rtl")),
    (scenes.tray_icons, NONE, ("light double",)),
]


def _name(scene: Scene, size: QSize, look: str) -> str:
    measure = [] if size.isNull() or not size.isValid() else [f"{size.width()}x{size.height()}"]
    return "-".join([getattr(scene, "__name__", ""), *measure, *look.split()])


ALL: Final = [
    pytest.param(scene, size, look, id=_name(scene, size, look)) for scene, size, looks in SHOTS for look in looks
]


@pytest.fixture(scope="module", autouse=True)
def folder() -> Path:
    """Without pictures of what is gone. Several workers may make theirs at once."""
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        if file.name not in {f"{shot.id}.png" for shot in ALL}:
            file.unlink(missing_ok=True)
    return FOLDER


@pytest.fixture
def look(request: pytest.FixtureRequest, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """A look in force while the test runs."""
    one = Look.of(request.param)
    font, palette, style = qapp.font(), qapp.palette(), qapp.style().objectName()
    for name in ("tokens", "family", "scale"):
        monkeypatch.setattr(theme._Current, name, getattr(theme._Current, name))
    Theme().apply(qapp, "dark" if one.dark else "light", FONT)
    language = Hebrew() if one.rtl else Longer() if one.long else QTranslator()
    qapp.installTranslator(language)
    texts.use(QCoreApplication.translate)
    if one.rtl:
        qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield one
    texts.use(None)
    qapp.removeTranslator(language)
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    qapp.setStyleSheet("")
    qapp.setStyle(style)
    qapp.setFont(font)
    qapp.setPalette(palette)


@pytest.mark.parametrize(("scene", "size", "look"), ALL, indirect=["look"])
async def test_it_is_shown_whole(
    scene: Scene,
    size: QSize,
    look: Look,
    request: pytest.FixtureRequest,
    bridge: Bridge,
    the_desk: Desk,
    tmp_path: Path,
) -> None:
    file = FOLDER / f"{request.node.callspec.id}.png"
    file.unlink(missing_ok=True)
    widget = await scene(Set(bridge, the_desk, tmp_path, size))
    await settle()
    image = picture(widget, look.ratio)
    assert image.save(str(file))
    found = flaws(widget) + (faint_words(widget, image) if look.ratio > 1 else [])
    wanted = (size if size.isValid() else widget.size()) * look.ratio
    if isinstance(widget, QDialog):
        widget.done(0)
    else:
        widget.close()
    await settle()  # who asked has an answer
    if isValid(widget):
        widget.deleteLater()
    assert image.size() == wanted
    assert colors(image) > 20
    assert not found, "\n".join(found)
