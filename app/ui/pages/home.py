"""HOME: the switch and the stages of connecting, the traffic, and the session pool, live."""

from typing import Any, Final

from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.client.profiles import Entry
from app.client.state import State
from app.client.trust import to_look_at
from app.engine.stages import StageResult
from app.errors import CertificateRejected, Failure
from app.storage.settings import CHECK_PAGE, GRAPH_MINUTES, PRIVACY, Item
from app.ui.base import Page, button, column, h_line, row, scrolling
from app.ui.bridge import Sample
from app.ui.clipboard import put_secret
from app.ui.profile_card import shown_name
from app.ui.proxy_commands import command, local_address
from app.ui.theme import figure, ltr
from app.ui.tokens import HUGE, MEDIUM, SMALL
from app.ui.widgets.amounts import duration_text, ms_text
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.local_bar import LocalBar
from app.ui.widgets.session_card import SessionCard
from app.ui.widgets.stages import ASKED, MASK, masked_sentence, stages
from app.ui.widgets.status_header import StatusHeader
from app.ui.widgets.traffic_card import TrafficCard

_WIDE_MARGINS_FROM: Final = 480  # pixels


class HomePage(Page):
    """Follows the bridge while it is on the screen, and does nothing otherwise."""

    def build(self) -> None:
        """See `Page`."""
        self._proof: tuple[StageResult, ...] = ()
        self.header = StatusHeader()
        self.traffic = TrafficCard()
        self.pool = SessionCard()
        self.local = LocalBar()
        self.paste = button("primary", text="…")
        self.demo = button(text="…")
        self.nothing = EmptyState("link", self.paste, self.demo)
        self._lay_out()
        self._connect()
        self._set_minutes()

    def _lay_out(self) -> None:
        scrolled = QWidget()
        self._inside = scrolling(scrolled)
        for part, stretch in ((self.header, 0), (self.traffic, 2), (self.pool, 3)):
            self._inside.addWidget(part, stretch)
        self._foot = QWidget()
        self._foot.setLayout(column(self.local))
        full = QWidget()
        full.setLayout(column(scrolled, h_line(), self._foot, spacing=0))
        self.stack = QStackedWidget()
        self.stack.addWidget(full)
        empty = QWidget()
        scrolling(empty).addLayout(row(None, self.nothing, None))
        self.stack.addWidget(empty)
        self.setLayout(column(self.stack))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Narrow margins where there is little room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        side = HUGE if self.width() >= _WIDE_MARGINS_FROM else MEDIUM
        self._inside.setContentsMargins(side, side, side, side)
        layout = self._foot.layout()
        assert layout is not None
        layout.setContentsMargins(side, SMALL, side, SMALL)
        self._foot.setMinimumWidth(self.local.minimumSizeHint().width() + 2 * MEDIUM)

    def _connect(self) -> None:
        bridge, control = self.bridge, self.bridge.control
        self.header.power.clicked.connect(lambda: bridge.run(control.toggle(), "toggle"))
        self.header.stages.help_asked.connect(self._help)
        self.traffic.minutes_chosen.connect(lambda minutes: control.settings.set(GRAPH_MINUTES, minutes))
        self.pool.close_idle_asked.connect(lambda: bridge.run(control.client.close_idle(), "close idle sessions"))
        self.pool.close_asked.connect(lambda number: bridge.run(control.client.close_session(number), "close"))
        self.local.copy_asked.connect(self._copy_address)
        self.local.command_asked.connect(lambda shell: bridge.run(self._copy_command(shell), "copy"))
        self.paste.clicked.connect(lambda: bridge.import_text(QGuiApplication.clipboard().text()))
        self.demo.clicked.connect(bridge.try_demo)
        bridge.state_changed.connect(self._changed)
        bridge.profiles_changed.connect(self._changed)
        bridge.settings_changed.connect(self._setting_changed)
        bridge.sampled.connect(self._sampled)

    def retranslate(self) -> None:
        """See `Page`."""
        self.paste.setText(self.tr("Paste a link"))
        self.demo.setText(self.tr("Try the demo"))
        self.nothing.say(
            self.tr("No profile yet"),
            self.tr("Copy an anytls:// link and paste it here, or look around with a server on this computer."),
        )
        self._show()

    def shown(self) -> None:
        """Catch up with what happened meanwhile."""
        self._show()

    # ---- what the bridge tells

    def _changed(self) -> None:
        if self.on_screen:
            self._show_state()

    def _sampled(self, _sample: Sample) -> None:
        if self.on_screen:
            self._show_sample()

    def _setting_changed(self, item: Item[Any]) -> None:
        if item is GRAPH_MINUTES:
            self._set_minutes()
        elif self.on_screen:
            self._show()

    def _set_minutes(self) -> None:
        """Both graphs show one and the same stretch, so that they can be compared."""
        minutes = self.bridge.control.settings.get(GRAPH_MINUTES)
        self.traffic.set_minutes(minutes)
        self.pool.graph.set_minutes(minutes)

    # ---- what is shown

    def _show(self) -> None:
        self._show_state()
        self._show_sample()

    def _show_state(self) -> None:
        control = self.bridge.control
        self.stack.setCurrentIndex(0 if control.profiles.entries else 1)
        state, entry = control.client.state, control.active
        self.header.show_state(self._name(entry), state, self._line(entry))
        unchecked = entry is not None and entry.profile.verification == "none"
        self.header.show_danger(self.tr("The server's certificate is not checked.") if unchecked else "")
        asked = (*ASKED, "page") if control.settings.get(CHECK_PAGE) else ASKED
        running = state in (State.CONNECTING, State.ON)  # it may be on a moment before the last stage is told
        shown = stages(self._results(), asked, running=running) if state is not State.OFF else []
        failure = control.client.failure
        self.header.show_stages(shown, failure, self._sentence(failure))
        self.local.show_address(str(local_address(control)), listening=control.client.address is not None)
        self.pool.hide_names(self._private)
        self._say_notes(state)

    def _show_sample(self) -> None:
        sample = self.bridge.sample
        snapshot = sample.snapshot
        totals = (snapshot.down, snapshot.up) if snapshot else (0, 0)
        self.header.speeds.setVisible(snapshot is not None)
        self.header.speeds.show_values(sample.down, sample.up, *totals)
        self.header.line.setText(self._line(self.bridge.control.active))
        self.traffic.show_history(sample.rates.history)
        self.pool.show_pool(snapshot, sample.pool.history)

    def _results(self) -> tuple[StageResult, ...]:
        """The stages of the last whole proof while another one runs unseen, so that none blinks once a minute."""
        client = self.bridge.control.client
        if client.state is State.ON:
            fresh = {result.name: result for result in client.stages}
            old = {result.name: result for result in self._proof}
            self._proof = tuple((old | fresh).values())
            return self._proof
        self._proof = client.stages
        return client.stages

    def _say_notes(self, state: State) -> None:
        off = state is State.OFF
        self.traffic.graph.set_note(
            self.tr("Traffic appears here once you are connected.") if off else self.tr("Nothing has passed yet.")
        )
        self.pool.graph.set_note(
            self.tr("Each connection to the server appears here as a session, with what it carries.")
            if off
            else self.tr("No session is open yet.")
        )

    def _name(self, entry: Entry | None) -> str:
        if entry is None:
            return ""
        entries = self.bridge.control.profiles.entries
        number = next((place for place, one in enumerate(entries, 1) if one.id == entry.id), 1)
        return shown_name(entry, number, self._private)

    def _line(self, entry: Entry | None) -> str:
        """Through which server, how fast it answered, for how long."""
        if entry is None:
            return ""
        client, sample = self.bridge.control.client, self.bridge.sample
        host = MASK if self._private else ltr(entry.profile.servers[0].host)
        if client.state is State.OFF:
            return self.tr("leads through {host}").format(host=host)
        parts = [self.tr("through {host}").format(host=host)]
        if client.stages and client.stages[-1].ok and client.state is State.ON:
            parts.append(figure(ms_text(client.stages[-1].ms)))
        if sample.uptime is not None:
            parts.append(figure(duration_text(sample.uptime)))
        return " · ".join(parts)

    @property
    def _private(self) -> bool:
        return self.bridge.control.settings.get(PRIVACY)

    def _sentence(self, failure: Failure | None) -> str:
        if failure is None or not self._private:
            return str(failure or "")
        return masked_sentence(failure)

    # ---- what a person asks for

    def _help(self, what: str) -> None:
        control = self.bridge.control
        failure = to_look_at(control.client.failure)
        if what == "certificate" and failure is not None and control.active is not None:
            self.bridge.run(self._look(control.active.id, failure), "look at a certificate")
            return
        if what == "edit" and control.active is not None:
            from app.ui.profile_form import ProfileForm

            ProfileForm(self.bridge, control.active, self).open()
        elif what in ("logs", "settings"):
            self.bridge.window_asked.emit(what)
        else:
            self.bridge.run(self._again(), "try again")

    async def _look(self, entry_id: str, failure: CertificateRejected) -> None:
        """Show the certificate that was rejected; connect again where it is trusted."""
        from app.ui.certificate_question import ask_to_trust

        if await ask_to_trust(self.bridge, entry_id, failure, self.window()):
            await self.bridge.control.connect(entry_id)

    async def _again(self) -> None:
        """Prove at once what still runs; what has crashed or never began starts anew."""
        client = self.bridge.control.client
        if client.running:
            await client.prove_now()
        else:
            await self.bridge.control.connect()

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(str(local_address(self.bridge.control)))
        self.bridge.say(self.tr("The proxy address is on the clipboard."), "good", "copied")

    async def _copy_command(self, shell: str) -> None:
        control = self.bridge.control
        credentials = await control.local.credentials()
        put_secret(command(shell, local_address(control), credentials))
        self.bridge.say(self.tr("The terminal command is on the clipboard."), "good", "copied")
