"""The first minutes: a link, a test of it, and the first connection, one below the other in the window."""

from typing import Final, Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QWidget

from app.client.importing import Candidate, candidates
from app.client.profiles import Entry
from app.client.state import State
from app.engine.stages import StageResult
from app.errors import Failure
from app.ui.base import Page, button, column, row, scrolling, set_role
from app.ui.form_fields import line_edit, wrapped
from app.ui.profile_card import address
from app.ui.profile_form import ProfileForm
from app.ui.theme import ltr
from app.ui.tokens import GIANT, LARGE, SMALL
from app.ui.widgets.amounts import ms_text
from app.ui.widgets.candidate_card import CandidateCard
from app.ui.widgets.stage_row import StageRow
from app.ui.widgets.stages import ASKED, stages
from app.ui.widgets.step_card import StepCard

_WIDTH: Final = 17 * GIANT
_ONE_LINK: Final = 4096  # characters; what is longer is read in a thread, and previewed as a list

Test = Literal["none", "running", "passed", "failed"]


class FirstRun(Page):
    """`finished` comes when the person is through, or would rather look around alone."""

    finished = Signal()

    def build(self) -> None:
        self._candidate: Candidate | None = None
        self._entry: Entry | None = None
        self._test: Test = "none"
        self._tested: tuple[StageResult, ...] = ()
        self.headline, self.intro = wrapped("headline"), wrapped("muted")
        self.link, self.problem = line_edit(ltr=True), wrapped("bad")
        self.paste, self.demo = button("primary", "clipboard", " "), button(text=" ")
        self.preview, self.use, self.other = CandidateCard(), button("primary", text=" "), button("quiet", text=" ")
        self.tested, self.test, self.anyway = StageRow(), button("primary", text=" "), button("link", text=" ")
        self.connected, self.connect_, self.through = StageRow(), button("primary", text=" "), wrapped("good")
        self.leave = button("link", text=" ")
        self._lay_out()
        self._connect()
        self.problem.hide()

    def _lay_out(self) -> None:
        self._ask = _row_of(self.link, self.paste)
        self._or = _row_of(self.demo, None)
        self._chosen = _row_of(None, self.other, self.use)
        self.steps = (
            StepCard(1, self._ask, self.problem, self._or, self.preview, self._chosen),
            StepCard(2, self.tested, _row_of(self.test, self.anyway, None)),
            StepCard(3, self.connected, self.through, _row_of(self.connect_, None)),
        )
        page = scrolling(self)
        middle = QWidget()
        middle.setMaximumWidth(_WIDTH)
        inside = row(None, middle, None)
        inside.setStretch(1, 100)
        page.addStretch(1)
        page.addLayout(inside)
        page.addStretch(2)
        parts = column(self.headline, self.intro, *self.steps, row(None, self.leave, None), spacing=LARGE)
        middle.setLayout(parts)

    def _connect(self) -> None:
        self.link.textChanged.connect(self._typed)
        self.paste.clicked.connect(lambda: self._read(QGuiApplication.clipboard().text()))
        self.demo.clicked.connect(self.bridge.try_demo)
        self.use.clicked.connect(lambda: self.bridge.run(self._add(), "add the first profile"))
        self.other.clicked.connect(self._start_over)
        self.test.clicked.connect(self._start_test)
        self.anyway.clicked.connect(self._start_connect)
        self.tested.help_asked.connect(self._help)
        self.connected.help_asked.connect(self._help)
        self.connect_.clicked.connect(self._go)
        self.leave.clicked.connect(self.finished)
        self.bridge.profiles_changed.connect(self._profiles_changed)
        self.bridge.state_changed.connect(self._show)

    def retranslate(self) -> None:
        keys = QKeySequence(QKeySequence.StandardKey.Paste).toString(QKeySequence.SequenceFormat.NativeText)
        self.headline.setText(self.tr("Three steps and you are through"))
        self.intro.setText(self.tr("A link from your provider, a test, and a click."))
        first, second, third = self.steps
        first.set_title(self.tr("Paste a link"))
        second.set_title(self.tr("Test it"))
        third.set_title(self.tr("Connect"))
        self.link.setAccessibleName(self.tr("Link"))
        self.link.setPlaceholderText(self.tr("anytls://…   ({keys})").format(keys=keys))
        self.paste.setText(self.tr("Paste"))
        self.demo.setText(self.tr("No link? Try the demo"))
        self.use.setText(self.tr("Use this one"))
        self.other.setText(self.tr("Another link"))
        self.anyway.setText(self.tr("Connect anyway"))
        self._show()

    # ---- step 1

    def _typed(self, text: str) -> None:
        """Anything that may be a link is looked at; the field is emptied then, since it would show the password."""
        self.problem.hide()
        if "://" in text and len(text.split("://", 1)[1]) > 0:
            self._read(text)

    def _read(self, text: str) -> None:
        found = candidates(text) if len(text) <= _ONE_LINK else []
        if len(found) > 1 or len(text) > _ONE_LINK:
            self.link.clear()
            self.bridge.import_text(text)
            return
        if not found or found[0].profile is None:
            sentence = found[0].problem if found else self.tr("No anytls:// link was found there.")
            self.problem.setText(sentence)
            self.problem.show()
            return
        self._candidate = found[0]
        self.link.clear()
        self.problem.hide()
        self._show()
        self.use.setFocus()

    def _start_over(self) -> None:
        self._candidate = None
        self._show()
        self.link.setFocus()

    async def _add(self) -> None:
        if self._candidate is not None:
            (self._entry,) = await self.bridge.control.add([self._candidate])
            self._start_test()

    def _profiles_changed(self) -> None:
        """Somebody may have added a profile another way, or edited or deleted this one."""
        entries = self.bridge.control.profiles.entries
        if self._entry is None:
            self._entry = next(iter(entries), None) if self._candidate is None else None
        else:
            self._entry = next((one for one in entries if one.id == self._entry.id), None)
        if self._entry is None:
            self._test, self._tested = "none", ()
        self._show()

    # ---- step 2

    def _start_test(self) -> None:
        if self._entry is not None and self._test != "running":
            self._test, self._tested = "running", ()
            self._show()
            self.bridge.run(self._run_test(self._entry.id), "test the first profile")

    async def _run_test(self, entry_id: str) -> None:
        try:
            self._tested = await self.bridge.control.test(entry_id, self._passed)
        except Failure:
            self._test = "none"
            self._show()
            raise
        self._test = "passed" if all(result.ok for result in self._tested) else "failed"
        self._show()
        if self._test == "passed":
            self.connect_.setFocus()

    def _passed(self, stage: StageResult) -> None:
        if stage.ok:
            again = any(one.name == stage.name for one in self._tested)  # on the next of several servers
            self._tested = (stage,) if again else (*self._tested, stage)
            self._show()

    def _help(self, what: str) -> None:
        if what == "edit" and self._entry is not None:
            ProfileForm(self.bridge, self._entry, self.window()).open()
        elif what in ("logs", "settings"):
            self.bridge.window_asked.emit(what)
            self.finished.emit()
        elif self.bridge.control.is_on:
            self._start_connect()
        else:
            self._start_test()

    # ---- step 3

    def _go(self) -> None:
        if self.bridge.control.client.state is State.ON:
            self.finished.emit()
        else:
            self._start_connect()

    def _start_connect(self) -> None:
        if self._entry is not None:
            self.bridge.run(self.bridge.control.connect(self._entry.id), "connect for the first time")

    # ---- what is shown

    def _show(self) -> None:
        on = self.bridge.control.is_on
        self._show_link()
        self._show_test()
        self._show_connection()
        first, second, third = self.steps
        done = self._entry is not None
        ready = self._test == "passed" or on
        first.show_state("done" if done else "now", self._summary())
        took = ms_text(sum(result.ms for result in self._tested)) if self._test == "passed" else ""
        second.show_state("done" if ready else "now" if done else "later", took)
        third.show_state("now" if ready and done else "later")
        through = self.bridge.control.client.state is State.ON
        self.leave.setText(self.tr("Skip this"))
        self.leave.setVisible(not through)

    def _summary(self) -> str:
        entry = self._entry
        return "" if entry is None else f"{entry.profile.name}  ·  {ltr(address(entry.profile))}"

    def _show_link(self) -> None:
        chosen = self._candidate is not None
        self.preview.show_candidate(self._candidate)
        for part in (self._ask, self._or):
            part.setVisible(not chosen)
        for part in (self.preview, self._chosen):
            part.setVisible(chosen)

    def _show_test(self) -> None:
        running = self._test == "running"
        asked = ASKED
        self.tested.show_stages(stages(self._tested, asked, running=running) if self._test != "none" else [])
        failed = next((result for result in self._tested if not result.ok), None)
        self.tested.setVisible(self._test != "none")
        self.tested.show_failure(failed.error if failed else None)
        self.test.setText(self.tr("Testing…") if running else self.tr("Test"))
        self.test.setEnabled(not running)
        self.test.setVisible(self._test in ("none", "running"))
        self.anyway.setVisible(self._test == "failed")

    def _show_connection(self) -> None:
        client = self.bridge.control.client
        on, state = self.bridge.control.is_on, client.state
        asked = (*ASKED, "page") if any(result.name == "page" for result in client.stages) else ASKED
        running = state is State.CONNECTING
        self.connected.show_stages(stages(client.stages, asked, running=running) if on else [])
        self.connected.setVisible(on)
        self.connected.show_failure(client.failure if on else None)
        where = ltr(f"{client.address.host}:{client.address.port}") if client.address else ""
        through = self.tr("You are through. Programs find the proxy at {address} (SOCKS and HTTP).")
        self.through.setText(through.format(address=where))
        self.through.setVisible(state is State.ON)
        self.connect_.setText(
            self.tr("Look around") if state is State.ON else self.tr("Connecting…") if running else self.tr("Connect")
        )
        self.connect_.setEnabled(not running)
        self.connect_.setVisible(state not in (State.FAILED, State.DEGRADED))
        set_role(self.through, "good")


def _row_of(*parts: QWidget | None) -> QWidget:
    made = QWidget()
    made.setLayout(row(*parts, spacing=SMALL))
    return made
