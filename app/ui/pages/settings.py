"""The page of settings: every choice a person has, taken over at once, with its problem below it."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QVBoxLayout, QWidget

from app import __version__
from app.errors import Failure, UnlockCancelled
from app.storage import settings as items
from app.storage.paths import config_dir
from app.storage.settings import Item, listens_beyond_loopback
from app.ui.application import Languages
from app.ui.base import Page, button, card, h_line, label, row, scrolling
from app.ui.clipboard import put_secret
from app.ui.protection_card import ProtectionCard
from app.ui.tokens import CONTROL_HEIGHT, GIANT, LARGE
from app.ui.widgets.setting_rows import ChoiceRow, SecretRow, SegmentedRow, SettingRow, SwitchRow, TextRow

_WIDTH: Final = 22 * GIANT  # pixels: up to here the eye finds the control that belongs to the words

_ACCESS: Final = (items.LISTEN_HOST, items.ALLOW_LAN, items.LOCAL_AUTH)

_RANDOM_BYTES: Final = 12  # 96 bits: nobody guesses it, and it can still be typed on a phone


class SettingsPage(Page):
    """Cards of rows, each row bound to one declared item."""

    def build(self) -> None:
        self.rows: dict[Item[Any], SettingRow] = {}
        self._titles: list[QLabel] = []
        self._languages = {"": "", **_languages()}
        self.headline = label("headline")
        self.headline.setMinimumHeight(CONTROL_HEIGHT)  # as high as the line of the pages with a search
        self.password = SecretRow()
        self.protection = ProtectionCard(self.bridge)
        self.folder = button("", "folder", " ")
        self.version = label("faint", selectable=True)
        holder = QWidget()
        holder.setMaximumWidth(_WIDTH)
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(LARGE)
        inside.addWidget(self.headline)
        for rows in self._sections():
            inside.addWidget(self._section(rows))
        inside.insertWidget(inside.count() - 1, self.protection)
        inside.addLayout(row(self.folder, None))
        inside.addWidget(self.version)
        aside = row(holder)
        aside.addStretch()
        aside.setStretch(0, 1)
        layout = scrolling(self)
        layout.addLayout(aside)
        layout.addStretch(1)
        self._bind()

    def _sections(self) -> list[list[SettingRow]]:
        return [
            [
                self._row(items.LISTEN_HOST, TextRow()),
                self._row(items.LISTEN_PORT, TextRow(number=True)),
                self._row(items.ALLOW_LAN, SwitchRow()),
                self._row(items.LOCAL_AUTH, SwitchRow()),
                self._row(items.LOCAL_USER, TextRow()),
                self.password,
            ],
            [
                self._row(items.ON_SWITCH, ChoiceRow(("ask", "drain", "close"))),
                self._row(items.CHECK_PAGE, SwitchRow()),
                self._row(items.PAGE_URL, TextRow(long=True)),
            ],
            [
                self._row(items.AUTOSTART, SwitchRow()),
                self._row(items.START_MINIMISED, SwitchRow()),
                self._row(items.CONNECT_AT_START, SwitchRow()),
            ],
            [
                self._row(items.THEME, SegmentedRow(("system", "light", "dark"))),
                self._row(items.LANGUAGE, ChoiceRow(tuple(self._languages))),
                self._row(items.LEFT_CLICK, ChoiceRow(("window", "toggle"))),
            ],
            [
                self._row(items.PRIVACY, SwitchRow()),
                self._row(items.LOG_LEVEL, ChoiceRow(("error", "warning", "info", "debug"))),
            ],
        ]

    def _row(self, item: Item[Any], made: SettingRow) -> SettingRow:
        self.rows[item] = made
        return made

    def _section(self, rows: Sequence[SettingRow]) -> QFrame:
        made, title = card(), label("title")
        self._titles.append(title)
        inside = made.layout()
        assert inside is not None
        inside.addWidget(title)
        for one in rows:
            if one is not rows[0]:
                inside.addWidget(h_line())
            inside.addWidget(one)
        return made

    def _bind(self) -> None:
        for item, one in self.rows.items():
            one.edited.connect(lambda value, item=item: self._edited(item, value))
        self.bridge.settings_changed.connect(self._changed)
        self.password.edited.connect(lambda text: self.bridge.run(self._set_password(text), "set the password"))
        self.password.random_asked.connect(lambda: self.bridge.run(self._randomise(), "make a password"))
        self.password.wanted.connect(lambda: self.bridge.run(self._fetch_password(), "show the password"))
        self.password.copy_asked.connect(lambda: self.bridge.run(self._copy_password(), "copy the password"))
        self.folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(config_dir()))))
        for item in self.rows:
            self._changed(item)

    def shown(self) -> None:
        """Ask how the keyring is: it may have been unlocked meanwhile."""
        self.protection.look()

    def hidden(self) -> None:
        """Leave no password in sight."""
        self.password.forget()

    # ---- what a person changes

    def _edited(self, item: Item[Any], value: Any) -> None:
        try:
            value = item.check(value)
        except ValueError as error:
            one = self.rows[item]
            text = self.tr("“{name}” {problem}.").format(name=one.name.text(), problem=error)
            one.show_problem(text)
        else:
            self.bridge.run(self._apply(item, value), f"set {item.key}")

    async def _apply(self, item: Item[Any], value: Any) -> None:
        one = self.rows[item]
        one.show_problem("")
        try:
            await self.bridge.control.change(item, value)
        except Failure as failure:
            if not isinstance(failure, UnlockCancelled):
                one.show_problem(str(failure))
            if not isinstance(one, TextRow):  # what was typed stays, to be mended
                self._changed(item)
        else:
            one.show_value(self.bridge.control.settings.get(item))

    def _changed(self, item: Item[Any]) -> None:
        if item in self.rows:
            self.rows[item].show_value(self.bridge.control.settings.get(item))
        if item in _ACCESS:
            self._show_access()

    def _show_access(self) -> None:
        settings = self.bridge.control.settings
        forced = listens_beyond_loopback(settings)
        asked = self.rows[items.LOCAL_AUTH]
        asked.show_value(forced or settings.get(items.LOCAL_AUTH))
        asked.control.setEnabled(not forced)
        for one in (self.rows[items.LOCAL_USER], self.password):
            one.setEnabled(forced or settings.get(items.LOCAL_AUTH))
        asked.set_texts(
            self.tr("Ask apps for a password"),
            self.tr("Always on while other computers can reach the proxy.")
            if forced
            else self.tr("Only apps that know user and password get through."),
        )

    # ---- the password of the local proxy

    async def _set_password(self, password: str) -> None:
        self.password.show_problem("")
        try:
            await self.bridge.control.set_local_password(password)
        except UnlockCancelled:
            self.password.forget()
        except Failure as failure:
            self.password.show_problem(str(failure))
        else:
            self.password.show_value(password)

    async def _randomise(self) -> None:
        await self._set_password(secrets.token_urlsafe(_RANDOM_BYTES))

    async def _fetch_password(self) -> str:
        access = await self.bridge.control.local.credentials()
        password = access[1] if access else ""
        self.password.show_value(password)
        return password

    async def _copy_password(self) -> None:
        password = self.password.field.text() or await self._fetch_password()
        put_secret(password)
        self.bridge.say(self.tr("The password is on the clipboard."), "good", "copied")

    # ---- words

    def retranslate(self) -> None:
        self.headline.setText(self.tr("Settings"))
        titles = (
            self.tr("Local proxy"),
            self.tr("Tunnel"),
            self.tr("Start"),
            self.tr("Look and language"),
            self.tr("Privacy and log"),
        )
        for title, text in zip(self._titles, titles, strict=True):
            title.setText(text)
        for item, texts in (self._proxy_texts() | self._program_texts()).items():
            self.rows[item].set_texts(*texts)
        self.password.set_texts(self.tr("Password"), self.tr("What apps give together with the user."))
        self.password.name_buttons(self.tr("Copy the password"), self.tr("Make a random password"))
        self._set_choices()
        self._show_access()
        self.folder.setText(self.tr("Open the folder of settings"))
        self.version.setText(self.tr("AnyTLS Tray {version}").format(version=__version__))

    def _proxy_texts(self) -> dict[Item[Any], tuple[str, str]]:
        return {
            items.LISTEN_HOST: (self.tr("Address"), self.tr("127.0.0.1 is for the apps of this computer.")),
            items.LISTEN_PORT: (self.tr("Port"), self.tr("SOCKS and HTTP share it.")),
            items.ALLOW_LAN: (
                self.tr("Allow other computers"),
                self.tr("Everything in your network can use the proxy, with the user and password below."),
            ),
            items.LOCAL_USER: (self.tr("User"), ""),
            items.ON_SWITCH: (
                self.tr("Open connections when you switch"),
                self.tr("They can finish over the profile that is left, or be closed at once."),
            ),
            items.CHECK_PAGE: (
                self.tr("Prove the tunnel with a web page"),
                self.tr("“On” is shown once the page has answered through the tunnel."),
            ),
            items.PAGE_URL: (self.tr("Web page"), ""),
        }

    def _program_texts(self) -> dict[Item[Any], tuple[str, str]]:
        return {
            items.AUTOSTART: (self.tr("Start at login"), ""),
            items.START_MINIMISED: (self.tr("Start without a window"), self.tr("The icon in the tray opens it.")),
            items.CONNECT_AT_START: (self.tr("Connect at start"), self.tr("With the profile that was used last.")),
            items.THEME: (self.tr("Look"), ""),
            items.LANGUAGE: (self.tr("Language"), ""),
            items.LEFT_CLICK: (self.tr("Click on the tray icon"), ""),
            items.PRIVACY: (
                self.tr("Privacy mode"),
                self.tr("Hides hosts and names of profiles in the window, the tooltip and the log."),
            ),
            items.LOG_LEVEL: (
                self.tr("What is logged"),
                self.tr("Details name the hosts that apps ask for; passwords and links are never logged."),
            ),
        }

    def _set_choices(self) -> None:
        words: dict[Item[Any], list[str]] = {
            items.ON_SWITCH: [self.tr("Ask"), self.tr("Let them finish"), self.tr("Close them")],
            items.THEME: [self.tr("System"), self.tr("Light"), self.tr("Dark")],
            items.LANGUAGE: [self.tr("System"), *tuple(self._languages.values())[1:]],
            items.LEFT_CLICK: [self.tr("Opens the window"), self.tr("Turns the tunnel on or off")],
            items.LOG_LEVEL: [self.tr("Errors"), self.tr("Warnings"), self.tr("Events"), self.tr("Details")],
        }
        for item, texts in words.items():
            one = self.rows[item]
            assert isinstance(one, ChoiceRow | SegmentedRow)
            one.set_choices(texts)


def _languages() -> dict[str, str]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return Languages(application).offered()
