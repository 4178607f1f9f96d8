"""The one style sheet, made from the tokens. Kinds and roles are dynamic properties, set by app.ui.base."""

from dataclasses import asdict
from string import Template
from typing import Final

from app.ui import assets
from app.ui.tokens import LIGHT, Tokens

# Pixels at the usual text size.
_FONTS: Final = {"body": 13, "headline": 20, "title": 13, "small": 12, "mono": 12, "figure": 20}

_TEXT: Final = Template("""
QMainWindow, QDialog, QWidget[role="page"], QScrollArea[role="page"] { background: $window; }
QDialog { background: $raised; }
QDialog[role="popup"] { border: 1px solid $edge; }
QLabel { background: transparent; }
QLabel[role="headline"] { font-size: ${headline}px; font-weight: 600; }
QLabel[role="figure"] { font-size: ${figure}px; font-weight: 600; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="faint"] { color: $faint; font-size: ${small}px; }
QLabel[role="small"] { font-size: ${small}px; }
QLabel[role="good"] { color: $good; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="accent"] { color: $accent; }
QLabel[role="mono"] { font-family: "$fixed"; font-size: ${mono}px; }
QLabel:disabled { color: $disabled; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 6px; font-size: ${small}px; }
""")

_FRAMES: Final = Template("""
QFrame[role="card"] { background: $surface; border: 1px solid $line; border-radius: 8px; }
QFrame[role="card"][active="true"] { border-left: 3px solid $accent; }
QFrame[role="panel"] { background: $sunken; border: none; border-radius: 8px; }
QFrame[role="raised"] { background: $raised; border: 1px solid $line; border-radius: 8px; }
QFrame[role="line"] { background: $line; border: none; }
QFrame[role="sidebar"] { background: $window; border: none; }
QFrame[role="segmented"] { background: $sunken; border: none; border-radius: 6px; }
QFrame[role="banner"] { background: $warn_ground; border: none; border-radius: 6px; }
QFrame[role="banner"][tone="info"] { background: $sunken; }
QFrame[role="banner"][tone="bad"] { background: $bad_ground; }
QFrame[role="drop"] { background: $window; border: 2px dashed $accent; border-radius: 8px; }
QFrame[role="toast"] { background: $raised; border: 1px solid $edge; border-radius: 8px; }
QLabel[pill="plain"] { background: $sunken; color: $muted; }
QLabel[pill="accent"] { background: $selected; color: $on_selected; }
QLabel[pill="good"] { background: $good_ground; color: $good; }
QLabel[pill="warn"] { background: $warn_ground; color: $warn; }
QLabel[pill="bad"] { background: $bad_ground; color: $bad; }
QLabel[pill] { border-radius: 6px; padding: 2px 8px; font-size: ${small}px; }
""")

# A ring of two pixels takes the place of the outline and of one pixel of padding, so that nothing moves.
_BUTTONS: Final = Template("""
QPushButton { background: $surface; color: $text; border: 1px solid $edge; border-radius: 6px;
              padding: 5px 13px; min-height: 20px; outline: none; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:disabled { color: $disabled; border-color: $line; background: $surface; }
QPushButton:focus { border: 2px solid $accent; padding: 4px 12px; }
QPushButton:checked { background: $selected; border-color: $accent; color: $on_selected; }
QPushButton::menu-indicator { image: url("$folder/down.svg"); width: 12px; height: 12px;
                              subcontrol-origin: padding; subcontrol-position: right center; right: 8px; }
QPushButton[menu="true"] { padding-right: 28px; }
QPushButton[iconOnly="true"]::menu-indicator { image: none; width: 0; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:pressed { background: $accent_pressed; border-color: $accent_pressed; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $line; color: $disabled; border-color: $line; }
QPushButton[kind="danger"] { color: $bad; }
QPushButton[kind="danger"]:hover { background: $bad_ground; border-color: $bad; }
QPushButton[kind="danger"]:pressed { background: $bad_ground; border-color: $bad; }
QPushButton[kind="danger"]:disabled { color: $disabled; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; color: $text; padding: 5px 9px; }
QPushButton[kind="quiet"]:hover { background: $hover; }
QPushButton[kind="quiet"]:pressed { background: $pressed; }
QPushButton[kind="quiet"]:checked { background: $selected; color: $on_selected; }
QPushButton[kind="quiet"]:focus { border-color: $accent; padding: 4px 8px; }
QPushButton[kind="quiet"]:disabled { color: $disabled; background: transparent; }
QPushButton[kind="link"] { background: transparent; border-color: transparent; color: $accent;
                           padding: 1px 3px; text-align: left; }
QPushButton[kind="link"]:hover { color: $accent_hover; text-decoration: underline; }
QPushButton[kind="link"]:focus { border-color: $accent; padding: 0 2px; }
QPushButton[kind="link"]:disabled { color: $disabled; }
QBalloonTip QLabel { color: $on_note; }
QBalloonTip QPushButton { background: transparent; border: none; padding: 0; min-height: 0; }
QPushButton[iconOnly="true"] { padding: 5px; min-width: 20px; max-width: 20px; }
QPushButton[iconOnly="true"]:focus { padding: 4px; }
QPushButton[kind="nav"] { background: transparent; border: 1px solid transparent; color: $muted; text-align: left;
                          padding: 7px 11px; }
QPushButton[kind="nav"]:hover { background: $hover; color: $text; }
QPushButton[kind="nav"]:checked { background: $selected; color: $text; font-weight: 600; }
QPushButton[kind="nav"]:focus { border: 2px solid $accent; padding: 6px 10px; }
QPushButton[kind="nav"][iconOnly="true"] { padding: 7px 0; max-width: 999px; text-align: center; }
QPushButton[kind="nav"][iconOnly="true"]:focus { padding: 6px 0; }
QPushButton[kind="segment"] { background: transparent; border: 1px solid transparent; color: $muted;
                              padding: 2px 11px; border-radius: 5px; }
QPushButton[kind="segment"]:hover { color: $text; }
QPushButton[kind="segment"]:checked { background: $surface; color: $text; border-color: $line; }
QPushButton[kind="segment"]:focus { border: 2px solid $accent; padding: 1px 10px; }
""")

_FIELDS: Final = Template("""
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: $surface; color: $text; border: 1px solid $edge; border-radius: 6px;
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { padding: 5px 9px; min-height: 20px; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit { background: transparent; border: none; min-height: 0; }
QComboBox QLineEdit { padding: 0; }
QComboBox { padding: 5px 11px; }
QPlainTextEdit, QTextEdit { padding: 5px; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border: 2px solid $accent; padding: 4px 8px; }
QComboBox:focus { padding: 4px 10px; }
QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $accent; padding: 4px; }
QLineEdit[role="search"] { padding: 5px 1px; }
QLineEdit[role="search"]:focus { padding: 4px 0; }
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"], QSpinBox[invalid="true"] { border-color: $bad; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled, QPlainTextEdit:disabled {
    color: $disabled; background: $window; border-color: $line; }
QLineEdit[readOnly="true"] { background: $window; }
QComboBox:hover, QComboBox:on { background: $hover; }
QComboBox::drop-down { border: none; width: 28px; subcontrol-origin: border; subcontrol-position: center right; }
QComboBox::down-arrow { image: url("$folder/down.svg"); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line; border-radius: 6px; padding: 4px;
    outline: none; selection-background-color: $selected; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: 28px; padding: 0 8px; border-radius: 4px; }
QSpinBox, QDoubleSpinBox { padding-right: 25px; max-height: 20px; }
QSpinBox:focus, QDoubleSpinBox:focus { padding-right: 24px; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
    border: none; background: transparent; width: 22px; height: 14px; subcontrol-origin: border; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-position: top right; margin: 2px 2px 0 0; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-position: bottom right; margin: 0 2px 2px 0; }
QSpinBox::up-button:hover, QSpinBox::down-button:hover { background: $hover; border-radius: 3px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("$folder/up.svg"); width: 12px; height: 12px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url("$folder/down.svg"); width: 12px; height: 12px; }
QCheckBox, QRadioButton { spacing: 8px; padding: 3px; border: 1px solid transparent; border-radius: 4px;
                          background: transparent; outline: none; }
QCheckBox:focus, QRadioButton:focus { border: 2px solid $accent; padding: 2px; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QCheckBox::indicator, QRadioButton::indicator { width: 16px; height: 16px; border: 1px solid $faint;
                                                background: $surface; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 9px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked, QCheckBox::indicator:indeterminate, QRadioButton::indicator:checked {
    background: $accent; border-color: $accent; }
QCheckBox::indicator:checked { image: url("$folder/check.svg"); }
QCheckBox::indicator:indeterminate { image: url("$folder/dash.svg"); }
QRadioButton::indicator:checked { image: url("$folder/dot.svg"); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $edge; background: $window; }
QCheckBox::indicator:checked:disabled, QRadioButton::indicator:checked:disabled { background: $disabled; }
QProgressBar { background: $line; border: none; border-radius: 2px; max-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
""")

_VIEWS: Final = Template("""
QAbstractScrollArea { background: transparent; border: none; }
QAbstractItemView { background: $surface; alternate-background-color: $window; border: none; outline: none;
    selection-background-color: $selected; selection-color: $text; }
QListView[role="plain"] { background: transparent; }
QTableView, QTreeView { gridline-color: $line; border: 1px solid $line; border-radius: 8px; }
QTableView::item, QTreeView::item { padding: 0 8px; border: none; border-bottom: 1px solid $line; }
QTableView::item:hover, QTreeView::item:hover, QListView::item:hover { background: $hover; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $selected; color: $text; }
QListView::item { border-radius: 6px; }
QTableView:focus, QTreeView:focus { border-color: $accent; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none; border-bottom: 1px solid $line;
                       padding: 7px 11px; font-size: ${small}px; font-weight: 400; text-align: left; }
QHeaderView::section:first { border-top-left-radius: 8px; }
QHeaderView::section:last { border-top-right-radius: 8px; }
QHeaderView::section:hover { color: $text; }
QHeaderView::up-arrow { image: url("$folder/up.svg"); width: 12px; subcontrol-position: center right; right: 6px; }
QHeaderView::down-arrow { image: url("$folder/down.svg"); width: 12px; subcontrol-position: center right; right: 6px; }
QTableCornerButton::section { background: $surface; border: none; }
QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 10px; }
QScrollBar:horizontal { height: 10px; }
QScrollBar::handle { background: $edge; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover, QScrollBar::handle:pressed { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: $raised; color: $text; border: 1px solid $line; border-radius: 8px; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 8px; border-radius: 4px; margin: 0; }
QMenu::item:selected { background: $selected; color: $text; }
QMenu::item:disabled { color: $muted; background: transparent; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 8px; }
QMenu::indicator:exclusive:checked, QMenu::indicator:non-exclusive:checked { image: url("$folder/tick.svg"); }
QMenu::right-arrow { image: url("$folder/right.svg"); width: 12px; height: 12px; margin-right: 8px; }
QTabBar { background: transparent; border: none; }
QTabBar::tab { background: transparent; color: $muted; padding: 7px 12px; border: none;
               border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QSplitter::handle { background: $line; }
""")


def stylesheet(colors: Tokens, scale: float = 1.0, fixed: str = "monospace") -> str:
    """The style sheet of a colour scheme, with texts `scale` times their usual size, and `fixed` for addresses."""
    folder = "light" if colors is LIGHT else "dark"
    values = {
        **asdict(colors),
        **{name: str(round(size * scale)) for name, size in _FONTS.items()},
        "fixed": fixed,
        "folder": assets.path(f"controls/{folder}/down.svg").parent.as_posix(),
    }
    return "".join(part.substitute(values) for part in (_TEXT, _FRAMES, _VIEWS, _BUTTONS, _FIELDS))
