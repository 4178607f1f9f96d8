"""Every text can be read on every ground it stands on, and every measure lies on the grid."""

from dataclasses import asdict, fields

import pytest

from app.ui.tokens import DARK, LIGHT, SPACE, Tokens

both = pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_the_guideline_does() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@both
@pytest.mark.parametrize("ground", ["window", "surface", "raised"])
@pytest.mark.parametrize("text", ["text", "muted", "faint", "accent", "second", "good", "warn", "bad"])
def test_texts_are_readable(colors: Tokens, text: str, ground: str) -> None:
    assert contrast(getattr(colors, text), getattr(colors, ground)) >= 4.5


@both
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("text", "selected"),
        ("text", "hover"),
        ("text", "pressed"),
        ("muted", "sunken"),
        ("on_selected", "selected"),
        ("muted", "selected"),
        ("faint", "selected"),
        ("muted", "hover"),
        ("faint", "hover"),
        ("faint", "sunken"),
        ("good", "good_ground"),
        ("warn", "warn_ground"),
        ("bad", "bad_ground"),
        ("text", "warn_ground"),
        ("text", "bad_ground"),
    ],
)
def test_texts_are_readable_on_coloured_grounds(colors: Tokens, text: str, ground: str) -> None:
    assert contrast(getattr(colors, text), getattr(colors, ground)) >= 4.5


@both
def test_a_focus_ring_stands_out(colors: Tokens) -> None:
    assert contrast(colors.accent, colors.surface) >= 3
    assert contrast(colors.accent, colors.window) >= 3


@both
def test_a_control_that_is_off_can_be_seen(colors: Tokens) -> None:
    assert contrast(colors.faint, colors.surface) >= 3


@both
def test_every_colour_is_written_alike(colors: Tokens) -> None:
    assert all(len(value) == 7 and value[0] == "#" and int(value[1:], 16) >= 0 for value in asdict(colors).values())


def test_light_is_light_and_dark_is_dark() -> None:
    for ground in ("window", "surface", "raised", "sunken", "selected"):
        assert luminance(getattr(LIGHT, ground)) > luminance(LIGHT.text)
        assert luminance(getattr(DARK, ground)) < luminance(DARK.text)
    assert len(fields(LIGHT)) == len(fields(DARK))


def test_space_grows_on_a_grid_of_four() -> None:
    assert sorted(set(SPACE)) == list(SPACE)
    assert all(step % 4 == 0 for step in SPACE)
