"""Every word of the program is collected for translators, and a window that is open speaks another language at once."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import PySide6
import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QCoreApplication, QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app import texts
from app.client.importing import candidates
from app.client.state import WITH_FAILURE, State
from app.errors import ClosedSilently, ListenFailed
from app.storage.settings import LANGUAGE
from app.system.port_owner import PortOwner
from app.ui.application import Languages
from app.ui.bridge import Bridge
from app.ui.import_dialog import ImportDialog
from app.ui.page_list import FACTORIES
from app.ui.profile_form import ProfileForm
from app.ui.prompts import MasterPassword, NewMasterPassword, ProtectionQuestion
from app.ui.questions import PortQuestion, SwitchQuestion
from app.ui.sidebar import PAGES
from app.ui.switcher import Switcher
from app.ui.tray import Tray
from app.ui.tray_menu import TrayMenu
from app.ui.window import Window
from tests.fakes.desk import Desk, profile
from tests.fakes.waiting import settle, until
from tests.ui.gallery import become, go_on

APP: Final = Path(__file__).parents[2] / "app"

# In the other language every letter is twice as wide, so that what is left of English shows.
WIDE: Final = {letter: letter + 0xFEE0 for letter in (*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1))}
PLACE: Final = re.compile(r"(\{[^}]*\}|<[^>]*>|anytls://)")

# Names of programs, protocols, algorithms, keys and units, and what has a digit, a dot or a slash in it.
SAME_EVERYWHERE: Final = re.compile(
    r"\S*[0-9./@]\S*|(?<!\w)(AnyTLS( Tray)?|PowerShell|sh|cmd|English|HTTP( CONNECT)?|SOCKS|TCP|TLS|UDP"
    r"|Chrome|Ctrl\+\S+|[kMGT]?B|ms|s|min|h)(?!\w)"
    r"|The server could not reach the target: connection refused\."  # made by the engine with the next snapshot
)
TEXT_ROLES: Final = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.AccessibleDescriptionRole,
)


def tool(name: str) -> str:
    """A program that comes with Qt."""
    return str(Path(PySide6.__file__).parent / (f"{name}.exe" if sys.platform == "win32" else name))


def wide(text: str) -> str:
    """The text in the other language."""
    return "".join(part if at % 2 else part.translate(WIDE) for at, part in enumerate(PLACE.split(text)))


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> ET.Element:
    """What lupdate finds in the whole program."""
    source = tmp_path_factory.mktemp("translations") / "app_la.ts"
    modules = [str(module) for module in sorted(APP.rglob("*.py"))]
    subprocess.run([tool("lupdate"), *modules, "-ts", str(source)], check=True, capture_output=True)
    return ET.parse(source).getroot()


@pytest.fixture(scope="module")
def folder(collected: ET.Element, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other language, under Latin's name, built."""
    for message in collected.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        translation.attrib.clear()
        translation.text = wide(message.findtext("source", ""))
    place = tmp_path_factory.mktemp("built")
    source = place / "app_la.ts"
    ET.ElementTree(collected).write(source, encoding="utf-8")
    subprocess.run([tool("lrelease"), str(source), "-qm", str(place / "app_la.qm")], check=True, capture_output=True)
    return place


@pytest.fixture
def languages(qapp: QApplication, folder: Path) -> Iterator[Languages]:
    one = Languages(qapp, folder)
    texts.use(QCoreApplication.translate)
    yield one
    one.use("en")
    texts.use(None)


@pytest.fixture
async def window(qtbot: QtBot, bridge: Bridge, the_desk: Desk) -> AsyncIterator[Window]:
    """All pages made and shown, in English, with two profiles and traffic."""
    await the_desk.profiles.add_many(
        [(profile("№ 1", "192.0.2.1"), ("secret",)), (profile("№ 2", "192.0.2.2", verification="none"), ("",))]
    )
    made = Window(bridge)
    made.set_tray(False)
    made.show()
    become(bridge, State.ON, 4)
    go_on(bridge, 60)
    for name in FACTORIES:
        made.page(name)
    for name in PAGES:
        made.show_page(name)
        await settle()
    yield made
    made.hide()
    made.deleteLater()


# ---- what there is to translate


def test_every_layer_has_its_sentences(collected: ET.Element) -> None:
    count = Counter({one.findtext("name", ""): len(one.findall("message")) for one in collected.iter("context")})
    assert count["errors"] >= 30
    assert count["reasons"] >= 15
    assert sum(count[name] for name in ("connection", "page", "tls", "certificate")) >= 25
    assert sum(count[name] for name in ("links", "v2ray", "import", "form", "profiles", "remote")) >= 60
    assert sum(count[name] for name in ("cli", "serve", "demo")) >= 50
    assert all(count[name] >= 3 for name in ("Window", "HomePage", "ProfilesPage", "LogsPage", "SettingsPage"))
    assert sum(count[name] for name in count if name[:1].isupper()) >= 300


def test_places_are_named(collected: ET.Element) -> None:
    """A translator has to know what comes where, and in other languages it may come elsewhere."""
    sources = (it.text or "" for it in collected.iter("source"))
    bare = [text for text in sources if re.search(r"\{\d*\}|%[1-9sd](?![0-9A-F])", text)]
    assert bare == []


# ---- what a person sees


def of_model(model: QAbstractItemModel | None) -> Iterator[str]:
    """All words of a list or a table, its headings too."""
    if model is None:
        return
    for column in range(model.columnCount(QModelIndex()) if isinstance(model, QAbstractTableModel) else 1):
        yield str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        for row in range(model.rowCount(QModelIndex())):
            for role in TEXT_ROLES:
                yield str(model.index(row, column, QModelIndex()).data(role) or "")


def words(top: QWidget) -> Iterator[tuple[str, str]]:
    """Whatever can be read or heard under `top`, with what has it."""
    for one in (top, *top.findChildren(QWidget)):
        found = [one.toolTip(), one.accessibleName(), one.accessibleDescription(), one.windowTitle()]
        if isinstance(one, QLabel | QAbstractButton):
            found.append(one.text())
        if isinstance(one, QLineEdit):
            found.append(one.placeholderText())
        if isinstance(one, QComboBox):
            found += [one.itemText(at) for at in range(one.count())]
        if isinstance(one, QAbstractItemView):
            found += of_model(one.model())
        yield from ((type(one).__name__ + " " + one.objectName(), text) for text in found)
    yield from (("QAction", f"{one.text()} {one.toolTip()}") for one in top.findChildren(QAction))


def english(top: QWidget) -> set[str]:
    """What is left of it."""
    return {f"{who}: {text}" for who, text in words(top) if is_english(text)}


def is_english(text: str) -> bool:
    return bool(re.search("[A-Za-z]", SAME_EVERYWHERE.sub("", PLACE.sub("", text))))


async def test_an_open_window_speaks_another_language_at_once(window: Window, languages: Languages) -> None:
    assert english(window)
    languages.use("la")
    await settle()
    assert english(window) == set()
    languages.use("en")
    await settle()
    assert not [text for _who, text in words(window) if text != text.translate(dict.fromkeys(WIDE.values(), " "))]


@pytest.mark.parametrize("state", list(State))
async def test_every_state_is_told_in_the_language(
    window: Window, languages: Languages, bridge: Bridge, state: State
) -> None:
    become(bridge, state, 2, ClosedSilently("192.0.2.1", 443) if state in WITH_FAILURE else None)
    languages.use("la")
    await settle()
    assert english(window) == set()


LINK: Final = "anytls://secret@192.0.2.7:8443/?sni=192.0.2.7&mtu=1400#7"
LINKS: Final = f"{LINK}\nanytls://secret@192.0.2.8/?insecure=1#8\nanytls://192.0.2.9"


def filled_form(bridge: Bridge) -> ProfileForm:
    form = ProfileForm(bridge, bridge.control.profiles.entries[1])
    form.fields.folded.switch.setChecked(True)
    return form


def wrong_form(bridge: Bridge) -> ProfileForm:
    form = ProfileForm(bridge, None)
    form.fields.name.setText("1")
    form.save.click()
    return form


OPENED: Final[dict[str, Callable[[Bridge], QWidget]]] = {
    "form": filled_form,
    "form with faults": wrong_form,
    "port": lambda _bridge: PortQuestion(None, ListenFailed("127.0.0.1", 1080, "–"), PortOwner("7", 4711)),
    "port of nobody": lambda _bridge: PortQuestion(None, ListenFailed("127.0.0.1", 1080, "–"), None),
    "master password": lambda _bridge: MasterPassword(None, True),
    "new master password": lambda _bridge: NewMasterPassword(None),
    "protection": lambda _bridge: ProtectionQuestion(None),
    "old connections": lambda _bridge: SwitchQuestion(None, 12),
    "tray menu": TrayMenu,
    "switcher": Switcher,
}


@pytest.mark.parametrize("opened", OPENED)
async def test_what_is_open_over_the_window_does_too(
    window: Window, languages: Languages, bridge: Bridge, opened: str
) -> None:
    made = OPENED[opened](bridge)
    made.show()
    await settle()
    languages.use("la")
    await settle()
    left = english(made)
    made.hide()
    made.deleteLater()
    assert left == set()


async def test_the_tray_icon_tells_it_in_the_new_language(window: Window, languages: Languages, bridge: Bridge) -> None:
    """The icon may hear of the setting before the language is in force."""
    tray = Tray(bridge, window)
    await until(lambda: not tray._pause.isActive())
    bridge.settings_changed.connect(lambda _item: languages.use("la"))
    bridge.settings_changed.emit(LANGUAGE)
    await until(lambda: not is_english(tray._icon.toolTip()))
    tray.close()


@pytest.mark.parametrize("text", [LINK, LINKS])
async def test_what_is_read_from_links_is_told_in_the_language(languages: Languages, bridge: Bridge, text: str) -> None:
    languages.use("la")
    made = ImportDialog(bridge, bridge.control.marked(candidates(text)))
    made.show()
    await settle()
    left = english(made)
    made.hide()
    made.deleteLater()
    assert left == set()
