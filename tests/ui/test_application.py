"""The process's name and quit rule, and languages that change while it runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import PySide6
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app import texts
from app.ui.application import Languages, own_name
from app.ui.base import Retranslating
from tests.fakes.waiting import until

MADE = """
import json, sys
from app import texts
from app.ui.application import make_application
application = make_application(["anytls-tray"])
print(json.dumps([
    application.applicationDisplayName(), application.desktopFileName(), application.quitOnLastWindowClosed(),
    application.windowIcon().isNull(), texts.translate("errors", "Something went wrong."),
    application.applicationVersion() != "",
]))
"""

TS = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="{code}">
<context><name>errors</name>
<message><source>Something went wrong.</source><translation>{error}</translation></message></context>
<context><name>Hello</name>
<message><source>Good day</source><translation>{hello}</translation></message></context>
</TS>
"""


class Hello(Retranslating, QLabel):
    """A label that follows the language."""

    def __init__(self) -> None:
        super().__init__()
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(self.tr("Good day"))


def lrelease() -> str:
    """The compiler of translations that comes with Qt."""
    return str(Path(PySide6.__file__).parent / ("lrelease.exe" if sys.platform == "win32" else "lrelease"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """German, Brazilian Portuguese and Arabic, built."""
    place = tmp_path_factory.mktemp("translations")
    for code, error, hello in (
        ("de", "Etwas ging schief.", "Guten Tag"),
        ("pt_BR", "Algo deu errado.", "Bom dia"),
        ("ar", "حدث خطأ ما.", "نهارك سعيد"),
    ):
        source = place / f"app_{code}.ts"
        source.write_text(TS.format(code=code, error=error, hello=hello), encoding="utf-8")
        built = source.with_suffix(".qm")
        subprocess.run([lrelease(), str(source), "-qm", str(built)], check=True, capture_output=True)
    return place


@pytest.fixture
def languages(qtbot: QtBot, qapp: QApplication, folder: Path) -> Iterator[Languages]:
    one = Languages(qapp, folder)
    texts.use(QCoreApplication.translate)
    yield one
    one.use("en")
    texts.use(None)


def test_the_application() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", MADE], capture_output=True, text=True, check=True, env=environment)
    said = json.loads(done.stdout)
    assert said == ["AnyTLS Tray", "anytls-tray", False, False, "Something went wrong.", True]


def test_languages_by_their_own_names(languages: Languages) -> None:
    offered = languages.offered()
    assert list(offered) == ["en", "ar", "de", "pt_BR"]
    assert offered["en"] == "English"
    assert offered["de"] == "Deutsch"
    assert offered["pt_BR"].startswith("Português")


def test_english_alone_where_nothing_is_translated(qapp: QApplication, tmp_path: Path) -> None:
    one = Languages(qapp, tmp_path)
    assert one.offered() == {"en": "English"}
    one.use("de")
    assert one.language == "en"


async def test_changed_while_it_runs(qtbot: QtBot, languages: Languages) -> None:
    label = Hello()
    qtbot.addWidget(label)
    assert label.text() == "Good day"
    languages.use("de")
    await until(lambda: label.text() == "Guten Tag")
    assert texts.translate("errors", "Something went wrong.") == "Etwas ging schief."
    languages.use("pt_BR")
    await until(lambda: label.text() == "Bom dia")
    languages.use("en")
    await until(lambda: label.text() == "Good day")
    assert texts.translate("errors", "Something went wrong.") == "Something went wrong."


def test_qts_own_words_change_too(languages: Languages) -> None:
    languages.use("de")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen"


def test_the_window_is_mirrored_for_languages_read_from_the_right(qapp: QApplication, languages: Languages) -> None:
    languages.use("ar")
    assert qapp.layoutDirection() == Qt.LayoutDirection.RightToLeft
    languages.use("de")
    assert qapp.layoutDirection() == Qt.LayoutDirection.LeftToRight


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("de_AT", "de"),
        ("de-CH", "de"),
        ("pt", "pt_BR"),
        ("pt_PT", "pt_BR"),
        ("fr", "en"),
        ("en_GB", "en"),
    ],
)
def test_the_nearest_is_taken(languages: Languages, wanted: str, found: str) -> None:
    languages.use(wanted)
    assert languages.language == found


def test_the_systems_language(languages: Languages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QLocale, "system", lambda: QLocale("de_DE"))
    languages.use("")
    assert languages.language == "de"


def test_a_broken_translation_leaves_english(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "app_de.qm").write_bytes(b"not a translation")
    one = Languages(qapp, tmp_path)
    one.use("de")
    assert QCoreApplication.translate("Hello", "Good day") == "Good day"
    one.use("en")


def test_own_names() -> None:
    assert own_name("fr") == "Français"
    assert own_name("en") == "English"
    assert own_name("xx-not-a-language")


def test_a_language_event_reaches_what_is_hidden(qtbot: QtBot, languages: Languages) -> None:
    label = Hello()
    qtbot.addWidget(label)
    label.setText("?")
    QCoreApplication.sendEvent(label, QEvent(QEvent.Type.LanguageChange))
    assert label.text() == "Good day"
    assert not label.isVisible()
