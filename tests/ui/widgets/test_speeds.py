"""Both speeds with their totals; figures that never jump."""

import pytest
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from app.traffic.rates import format_rate
from app.ui import theme
from app.ui.widgets.speeds import Speeds


@pytest.fixture
def speeds(qtbot: QtBot) -> Speeds:
    made = Speeds()
    qtbot.addWidget(made)
    return made


def plain(text: str) -> str:
    return text.replace("\u2066", "").replace("\u2069", "")


def test_speeds_and_totals(speeds: Speeds) -> None:
    speeds.show_values(12.4e6, 310e3, 18_200_000_000, 310_000_000)
    assert plain(speeds.down.text()) == "↓ 12.4 MB/s"
    assert plain(speeds.up.text()) == "↑ 310.0 kB/s"
    assert plain(speeds.down_total.text()) == "18.2 GB in all"
    assert plain(speeds.up_total.text()) == "310.0 MB in all"
    assert speeds.down.accessibleName() == "Download speed 12.4 MB/s"
    assert speeds.up.accessibleName() == "Upload speed 310.0 kB/s"


def test_the_same_values_change_nothing(speeds: Speeds) -> None:
    speeds.show_values(1.0, 1.0, 1, 1)
    speeds.down.setText("untouched")
    speeds.show_values(1.0, 1.0, 1, 1)
    assert speeds.down.text() == "untouched"


def test_numbers_never_make_others_move(speeds: Speeds) -> None:
    widths = set()
    for value in (0, 9, 888, 999.9e3, 888.8e6, 1.0e9):
        speeds.show_values(value, value, 0, 0)
        widths.add(max(speeds.down.minimumWidth(), speeds.down.minimumSizeHint().width()))
    assert len(widths) == 1


def test_figures_are_all_equally_wide(qtbot: QtBot) -> None:
    metrics = QFontMetrics(theme.font("figure"))
    assert len({metrics.horizontalAdvance(format_rate(float(digit) * 111)) for digit in range(1, 9)}) == 1


def test_small_figures_need_less_room(speeds: Speeds) -> None:
    wide = speeds.down.minimumWidth()
    speeds.set_compact(True)
    speeds.set_compact(True)
    assert speeds.down.property("role") == "title"
    assert speeds.down.minimumWidth() < wide
    speeds.set_compact(False)
    assert speeds.down.property("role") == "figure"
