"""The Qt application: its name and icon, when it ends, and the language it speaks."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, Qt, QTranslator
from PySide6.QtWidgets import QApplication

from app import __version__, texts
from app.ui import assets, icons

NAME: Final = "AnyTLS Tray"
DESKTOP_FILE: Final = "anytls-tray"

ENGLISH: Final = "en"

_PREFIX: Final = "app_"


def make_application(arguments: Sequence[str]) -> QApplication:
    """The one application; closing the last window does not end it."""
    _name_process()
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(list(arguments))
    application.setApplicationName(DESKTOP_FILE)
    application.setApplicationDisplayName(NAME)
    application.setApplicationVersion(__version__)
    application.setDesktopFileName(DESKTOP_FILE)
    application.setWindowIcon(icons.app_icon())
    application.setQuitOnLastWindowClosed(False)  # the tray goes on; main.py decides when all is over
    texts.use(_translated)
    return application


class Languages:
    """The languages there are, and the one in force. It is changed while the program runs."""

    def __init__(self, application: QApplication, folder: Path | None = None) -> None:
        """`folder` has the built translations, app_XX.qm; without one it is where the program keeps them."""
        self._application = application
        self._folder = folder or assets.languages()
        self._translators: list[QTranslator] = []
        self.language = ENGLISH

    def offered(self) -> dict[str, str]:
        """Code and own name of each language: English, and whatever has been translated."""
        codes = [] if self._folder is None else [file.stem.removeprefix(_PREFIX) for file in self._files()]
        return {code: own_name(code) for code in (ENGLISH, *sorted(code for code in codes if code != ENGLISH))}

    def use(self, code: str = "") -> None:
        """Speak this language from now on; "" is the system's. What there is no translation for is English.

        The windows hear of it by Qt's LanguageChange, one turn of the loop later.
        """
        self.language = self._nearest(code or QLocale.system().bcp47Name())
        for old in self._translators:
            self._application.removeTranslator(old)
        self._translators = [] if self.language == ENGLISH else self._loaded(self.language)
        locale = QLocale(self.language)
        self._application.setLayoutDirection(locale.textDirection())
        for new in self._translators:
            self._application.installTranslator(new)

    # ---- inside

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob(f"{_PREFIX}*.qm"))

    def _nearest(self, code: str) -> str:
        """The offered language that is nearest to `code`: pt_BR, then pt, then any pt, then English."""
        wanted = code.replace("-", "_")
        short = wanted.split("_")[0]
        offered = list(self.offered())
        alike = (one for one in offered if one.split("_")[0] == short)
        return next((one for one in (wanted, short) if one in offered), next(alike, ENGLISH))

    def _loaded(self, code: str) -> list[QTranslator]:
        """Ours, and Qt's own for the words in its dialogs."""
        places = (
            (f"{_PREFIX}{code}", str(self._folder)),
            (f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
        )
        translators = []
        for name, folder in places:
            one = QTranslator(self._application)
            if one.load(name, folder):
                translators.append(one)
        return translators


def own_name(code: str) -> str:
    """A language as those who speak it write it, with a capital where they have one."""
    name = QLocale(code).nativeLanguageName() if code != ENGLISH else "English"
    return name[:1].upper() + name[1:] if name else code


def _translated(context: str, text: str) -> str:
    return QCoreApplication.translate(context, text)


def _name_process() -> None:
    """Windows groups windows, notes and the pinned icon by this name; it has to be set before the first window."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(DESKTOP_FILE)
