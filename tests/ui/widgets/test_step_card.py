"""One of several steps."""

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.ui.widgets.step_card import StepCard


def test_only_the_step_whose_turn_it_is_shows_its_parts(qtbot: QtBot) -> None:
    inside = QLabel("inside")
    step = StepCard(2, inside)
    qtbot.addWidget(step)
    step.set_title("Test it")
    step.show_state("later")
    step.show()
    assert not inside.isVisible()
    assert (step.mark.text(), step.title.property("role")) == ("2", "faint")
    step.show_state("now", "not said yet")
    assert inside.isVisible()
    assert (step.summary.text(), step.title.property("role")) == ("", "title")
    step.show_state("done", "41 ms")
    assert not inside.isVisible()
    assert step.summary.text() == "41 ms"
    assert not step.mark.pixmap().isNull()
    step.show_state("now")
    assert step.mark.text() == "2"


def test_its_title_is_its_name(qtbot: QtBot) -> None:
    step = StepCard(1)
    qtbot.addWidget(step)
    step.set_title("Paste a link")
    assert (step.title.text(), step.accessibleName()) == ("Paste a link", "Paste a link")
