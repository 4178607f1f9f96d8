"""What is pictured: every page, what opens over it, and the tray, each as somebody meets it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from cryptography.hazmat.primitives.serialization import Encoding
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

from app.client.form import ProfileDraft
from app.client.importing import candidates
from app.client.state import State
from app.client.trust import facts_of
from app.errors import (
    CertificateExpired,
    CertificateSelfSigned,
    CertificateWrongName,
    ClosedSilently,
    ListenFailed,
    PageFailed,
    PinMismatch,
    UnlockCancelled,
)
from app.storage.profiles import Profile, ProfileServer
from app.system.port_owner import PortOwner
from app.transport.options import TcpOptions
from app.ui import icons
from app.ui.base import label, page_layout
from app.ui.bridge import Bridge
from app.ui.certificate_question import CertificateQuestion
from app.ui.crash import Crash
from app.ui.dialogs import Dialog
from app.ui.first_run import FirstRun
from app.ui.import_dialog import ImportDialog
from app.ui.messages import Message
from app.ui.pages.logs import LogsPage
from app.ui.pages.profiles import ProfilesPage
from app.ui.pages.settings import SettingsPage
from app.ui.profile_form import ProfileForm
from app.ui.prompts import MasterPassword, NewMasterPassword, ProtectionQuestion
from app.ui.questions import CrashReport, PortQuestion, SwitchQuestion
from app.ui.switcher import Switcher
from app.ui.tray_menu import TrayMenu
from app.ui.window import Window
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.desk import Desk
from tests.fakes.ech import CONFIG as ECH
from tests.fakes.waiting import settle, until
from tests.ui.gallery import (
    become,
    go_on,
    keep,
    log_some,
    many_entries,
    some_entries,
)

GOOD_LINK: Final = "anytls://hidden-secret@berlin.example.org:8443/?sni=www.example.org&mtu=1400#Berlin"
BAD_LINKS: Final = """
anytls://hidden-secret@tokyo.example.net/#T%C5%8Dky%C5%8D
anytls://hidden-secret@sg.example.net:70000/#Singapore
anytls://@nobody.example.net/#Nobody
anytls://hidden-secret@home.example.org/?insecure=1#Home
anytls://hidden-secret@berlin.example.org/#Berlin
anytls://hidden-secret@a-very-long-host-name-that-goes-on-and-on.some-region-7.some-provider.example.com/#Far%20away
"""


TLS: Final = Profile(
    "Berlin",
    (ProfileServer("berlin.example.org"),),
    min_tls="1.3",
    fragment=True,
    client_certificate="/etc/ssl/me.pem",
)


@dataclass
class Set:
    """Where a scene is played."""

    bridge: Bridge
    desk: Desk
    folder: Path
    size: QSize

    async def window(self, page: str, entries: bool = True) -> Window:
        """The window at a page, with profiles."""
        if entries:
            await keep(self.desk, self.folder, some_entries())
        made = Window(self.bridge)
        made.resize(self.size)
        made.show_page(page)
        made.show()
        return made

    async def on(self, page: str) -> Window:
        """The same while it is on, with traffic."""
        made = await self.window(page)
        become(self.bridge, State.ON, 4)
        go_on(self.bridge)
        return made


Scene = Callable[[Set], Awaitable[QWidget]]


# ---- the pages


async def first_run(on: Set) -> QWidget:
    return await on.window("home", entries=False)


async def first_run_link(on: Set) -> QWidget:
    window = await on.window("home", entries=False)
    page = window.page("first run")
    assert isinstance(page, FirstRun)
    page.link.setText(GOOD_LINK)
    return window


async def home_empty(on: Set) -> QWidget:
    window = await on.window("home", entries=False)
    cast(FirstRun, window.page("first run")).finished.emit()
    return window


async def home_off(on: Set) -> QWidget:
    window = await on.window("home")
    window.set_tray(False)
    return window


async def home_connecting(on: Set) -> QWidget:
    window = await on.window("home")
    become(on.bridge, State.CONNECTING, 2)
    return window


async def home_on(on: Set) -> QWidget:
    return await on.on("home")


async def home_degraded(on: Set) -> QWidget:
    window = await on.on("home")
    become(on.bridge, State.DEGRADED, 3, PageFailed("https://www.example.org/", "no answer within 10 s"))
    return window


async def home_failed(on: Set) -> QWidget:
    window = await on.window("home")
    failure = ClosedSilently("berlin.example.org", 443)
    become(on.bridge, State.FAILED, 2, failure)
    window.show_message(Message(str(failure), "bad", "Show in the log", lambda: None))
    return window


async def home_rejected(on: Set) -> QWidget:
    """A certificate for another name, where nothing but the pin could help; the profile before was not checked."""
    window = await on.window("home")
    names = "www.example.com, example.com, mail.example.com"
    failure = CertificateWrongName("berlin.example.org", 443, names, certificate=b"x")
    become(on.bridge, State.FAILED, 1, failure)
    return window


async def home_pin_mismatch(on: Set) -> QWidget:
    window = await on.window("home")
    become(on.bridge, State.FAILED, 1, _mismatch(certificates.good()))
    return window


async def home_unchecked(on: Set) -> QWidget:
    await keep(on.desk, on.folder, [entry for entry in some_entries() if entry.profile.verification == "none"])
    window = await on.window("home", entries=False)
    become(on.bridge, State.ON, 4)
    go_on(on.bridge)
    return window


async def profiles_rejected(on: Set) -> QWidget:
    """A test that has met a certificate of nobody's."""
    window = await on.window("profiles")
    page = cast(ProfilesPage, window.page("profiles"))
    failure = CertificateSelfSigned("tokyo.example.net", 443, "tokyo", certificate=b"x")
    page.tests.rejected.emit("2", failure)
    return window


async def profiles(on: Set) -> QWidget:
    window = await on.on("profiles")
    window.show_message(Message("Deleted Berlin 2.", "info", "Undo", lambda: None))
    return window


async def profiles_many(on: Set) -> QWidget:
    await keep(on.desk, on.folder, many_entries())
    return await on.window("profiles", entries=False)


async def profiles_empty(on: Set) -> QWidget:
    return await on.window("profiles", entries=False)


async def profiles_searched(on: Set) -> QWidget:
    window = await on.window("profiles")
    page = cast(ProfilesPage, window.page("profiles"))
    page.search.setText("Reykjavík")
    page.search.searched.emit("Reykjavík")
    return window


async def connections(on: Set) -> QWidget:
    return await on.on("connections")


async def connections_empty(on: Set) -> QWidget:
    return await on.window("connections")


async def logs(on: Set) -> QWidget:
    log_some(on.bridge)
    window = await on.on("logs")
    cast(LogsPage, window.page("logs")).show_last()
    return window


async def logs_empty(on: Set) -> QWidget:
    return await on.window("logs")


async def settings(on: Set) -> QWidget:
    return await on.on("settings")


async def settings_end(on: Set) -> QWidget:
    window = await on.window("settings")
    await settle()
    page = cast(SettingsPage, window.page("settings"))
    bar = page.findChildren(QScrollArea)[0].verticalScrollBar()
    bar.setValue(bar.maximum())
    return window


# ---- what opens over them


async def import_one(on: Set) -> QWidget:
    return _opened(ImportDialog(on.bridge, on.bridge.control.marked(candidates(GOOD_LINK))))


async def import_several(on: Set) -> QWidget:
    await keep(on.desk, on.folder, some_entries())
    return _opened(ImportDialog(on.bridge, on.bridge.control.marked(candidates(BAD_LINKS))))


async def import_insecure(on: Set) -> QWidget:
    return _opened(ImportDialog(on.bridge, candidates(GOOD_LINK.replace("?", "?insecure=1&"))))


async def form_new(on: Set) -> QWidget:
    form = ProfileForm(on.bridge, None)
    form.resize(on.size)
    form.fields.name.setText("Berlin")
    form.save.click()
    await settle()
    return _opened(form)


async def form_whole(on: Set) -> QWidget:
    await keep(on.desk, on.folder, some_entries())
    form = ProfileForm(on.bridge, on.desk.profiles.entries[1])
    form.resize(on.size)
    form.fields.folded.switch.setChecked(True)
    return _opened(form)


async def form_tls(on: Set) -> QWidget:
    """Chrome's hello with the name encrypted, and all that few need."""
    form = _form_with(on, replace(TLS, fingerprint="chrome", ech_config=ECH))
    form.fields.advanced.tls.rare.switch.setChecked(True)
    return _opened(form)


async def form_tls_wrong(on: Set) -> QWidget:
    """Python's own hello, which cannot hide the name, and suites that are none."""
    form = _form_with(on, replace(TLS, fingerprint="none", ech_resolver="https://dns.example/dns-query"))
    tls = form.fields.advanced.tls
    tls.rare.switch.setChecked(True)
    tls.ciphers.setText("no such suite")
    tls.certificate_field.set_text("")
    tls.key_field.set_text("/etc/ssl/private/me.key")
    return _opened(form)


async def form_tcp(on: Set) -> QWidget:
    form = _form_with(on, replace(TLS, tcp=TcpOptions(source="eth0/", multipath=True, keepalive=None)))
    form.fields.advanced.folded_tcp.switch.setChecked(True)
    form.fields.advanced.tcp.source.setText("eth0/1")
    return _opened(form)


def _form_with(on: Set, profile: Profile) -> ProfileForm:
    form = ProfileForm(on.bridge, None)
    form.resize(on.size)
    form.fields.put(ProfileDraft.of(profile))
    form.fields.folded.switch.setChecked(True)
    return form


async def certificate_unknown(on: Set) -> QWidget:
    one = certificates.self_signed()
    failure = CertificateSelfSigned("berlin.example.org", 443, "localhost", certificate=_der(one))
    return await _asked(CertificateQuestion(None, failure, await facts_of(failure), 3), on)


async def certificate_expired(on: Set) -> QWidget:
    failure = CertificateExpired(
        "berlin.example.org", 443, "2026-11-26 10:00 UTC", certificate=_der(certificates.expired())
    )
    return await _asked(CertificateQuestion(None, failure, await facts_of(failure)), on)


async def certificate_changed(on: Set) -> QWidget:
    failure = _mismatch(certificates.good())
    return await _asked(CertificateQuestion(None, failure, await facts_of(failure)), on)


async def certificate_key_changed(on: Set) -> QWidget:
    one = certificates.good()
    failure = PinMismatch(
        "berlin.example.org", 443, one.spki_pin.hex(), pinned=bytes(range(32)).hex(), certificate=_der(one)
    )
    return await _asked(CertificateQuestion(None, failure, await facts_of(failure)), on)


def _mismatch(one: Identity) -> PinMismatch:
    pinned = bytes(range(32)).hex()
    return PinMismatch("berlin.example.org", 443, one.pin.hex(), pinned=pinned, certificate=_der(one))


def _der(one: Identity) -> bytes:
    return one.certificate.public_bytes(Encoding.DER)


async def port_in_use(on: Set) -> QWidget:
    return await _asked(PortQuestion(None, ListenFailed("127.0.0.1", 1080, "in use"), PortOwner("ssh", 4_711)), on)


async def master_password(on: Set) -> QWidget:
    return await _asked(MasterPassword(None, True), on)


async def new_master_password(on: Set) -> QWidget:
    question = NewMasterPassword(None)
    question.field.set_text("correct horse")
    return await _asked(question, on)


async def protection(on: Set) -> QWidget:
    return await _asked(ProtectionQuestion(None), on)


async def switch_question(on: Set) -> QWidget:
    return await _asked(SwitchQuestion(None, 12), on)


async def crash(on: Set) -> QWidget:
    report = (
        'Traceback (most recent call last):\n  File "app/ui/window.py", line 120, in shown\nValueError: no such row'
    )
    sentence = "A part of the window could not be drawn."
    return await _asked(CrashReport(None, Crash("ValueError at ui/window.py:120", sentence, report)), on)


def _opened(dialog: QWidget) -> QWidget:
    dialog.show()
    return dialog


async def _asked(dialog: Dialog, on: Set) -> QWidget:
    on.bridge.run(_answered(dialog), "ask")
    await until(dialog.isVisible)
    return dialog


async def _answered(dialog: Dialog) -> None:
    if not await dialog.answer():
        raise UnlockCancelled


# ---- the tray


async def tray_menu(on: Set) -> QWidget:
    await keep(on.desk, on.folder, some_entries())
    menu = TrayMenu(on.bridge)
    become(on.bridge, State.ON, 4)
    go_on(on.bridge)
    menu.refresh()
    menu.resize(menu.sizeHint())
    return menu


async def switcher(on: Set) -> QWidget:
    await keep(on.desk, on.folder, many_entries())
    made = Switcher(on.bridge)
    made.show_matches("01")
    made.show()
    return made


async def tray_icons(_on: Set) -> QWidget:
    """The states, as large as panels show them, on both kinds of panel."""
    sheet = QWidget()
    layout = page_layout(sheet)
    for dark, ground in ((False, "#E8E8EA"), (True, "#22252B")):
        for size in (16, 22, 32):
            strip = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
            strip.setPixmap(_strip(size, dark, ground))
            layout.addWidget(strip)
    layout.addWidget(label("muted", " · ".join(icons.TRAY_STATES)))
    sheet.show()
    return sheet


def _strip(size: int, dark: bool, ground: str) -> QPixmap:
    made = QPixmap(len(icons.TRAY_STATES) * 2 * size + size, 2 * size)
    made.fill(QColor(ground))
    painter = QPainter(made)
    for at, state in enumerate(icons.TRAY_STATES):
        icons.tray_icon(state, dark).paint(painter, QRect(size + at * 2 * size, size // 2, size, size))
    painter.end()
    return made
