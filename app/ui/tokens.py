"""The colours and measures of the program, named by their use. Nothing else in the code names a colour or a margin."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Tokens:
    """One colour scheme. Every value is #RRGGBB.

    `window` lies under the page, `surface` under cards, `raised` under menus and dialogs, `sunken` in wells and fields;
    `line` is a hairline; `text`, `muted` and `faint` are values, labels and hints, all readable on the three grounds;
    `edge` outlines controls; `hover` and `pressed` lie under the pointer; `selected` is the ground of a selection and
    `on_selected` the accent on it.
    `good`, `warn` and `bad` tell states, never alone: a shape or a word goes with them.
    `on_note` is for the yellow notes that Qt itself shows beside an old tray, in every scheme.
    """

    window: str
    surface: str
    raised: str
    sunken: str
    line: str
    edge: str
    hover: str
    pressed: str
    selected: str
    text: str
    muted: str
    faint: str
    disabled: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    on_selected: str
    second: str
    good: str
    warn: str
    bad: str
    good_ground: str
    warn_ground: str
    bad_ground: str
    on_note: str


LIGHT: Final = Tokens(
    window="#F6F7F9",
    surface="#FFFFFF",
    raised="#FFFFFF",
    sunken="#EEF0F3",
    line="#E3E6EB",
    edge="#C9CED7",
    hover="#EDEFF3",
    pressed="#E1E5EA",
    selected="#DDF0F1",
    text="#16181D",
    muted="#5B6270",
    faint="#646B78",
    disabled="#A3A9B4",
    accent="#0E7C86",
    accent_hover="#0B6C75",
    accent_pressed="#095C64",
    on_accent="#FFFFFF",
    on_selected="#0A6871",
    second="#B4552D",
    good="#2E7D46",
    warn="#946200",
    bad="#B3261E",
    good_ground="#E9F5EC",
    warn_ground="#FBF1DC",
    bad_ground="#FBE9E7",
    on_note="#16181D",
)

DARK: Final = Tokens(
    window="#15171B",
    surface="#1C1F25",
    raised="#242832",
    sunken="#121418",
    line="#2F343E",
    edge="#434A57",
    hover="#282D36",
    pressed="#31363F",
    selected="#15343A",
    text="#ECEEF2",
    muted="#A2A9B6",
    faint="#929AA8",
    disabled="#5E6572",
    accent="#35B5C0",
    accent_hover="#4CC3CD",
    accent_pressed="#2AA0AA",
    on_accent="#06191B",
    on_selected="#4CC3CD",
    second="#E58A5F",
    good="#5CC27E",
    warn="#E0A93B",
    bad="#F2776E",
    good_ground="#1B3324",
    warn_ground="#352B16",
    bad_ground="#3A2221",
    on_note="#16181D",
)

# Pixels. Every distance between things is one of these.
SPACE: Final = (4, 8, 12, 16, 24, 32)
TINY, SMALL, MEDIUM, LARGE, HUGE, GIANT = SPACE

RADIUS_CARD: Final = 8
RADIUS_CONTROL: Final = 6
ICON: Final = 20
CONTROL_HEIGHT: Final = 32

# Milliseconds of the longest motion.
MOTION: Final = 150
