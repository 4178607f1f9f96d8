"""Line charts side by side as one SVG, without any library: values over a count that grows tenfold each step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 300
_HEIGHT: Final = 220
_LEFT: Final = 46
_RIGHT: Final = 16
_TOP: Final = 34
_BOTTOM: Final = 34
_LEGEND: Final = 30

# Told apart by those who see few colours, too (Okabe and Ito), on white and on black.
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")
_INK: Final = "#57606a"
_PAPER: Final = "#ffffff"


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: for each name the values at each count, in the order of the counts."""

    title: str
    unit: str
    lines: Mapping[str, Sequence[float]]


def svg(panels: Sequence[Panel], counts: Sequence[int], axis: str) -> str:
    """The charts, a legend below them. All start at zero, so that a flat line is flat."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = dict(zip(names, _COLOURS, strict=False))
    width, height = _WIDTH * len(panels), _HEIGHT + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * _WIDTH} 0)">')
        parts += _panel(panel, counts, axis, colours)
        parts.append("</g>")
    for number, name in enumerate(names):
        x, y = _LEFT + number * 160, _HEIGHT + 14
        parts.append(f'<path d="M{x} {y}h22" stroke="{colours[name]}" stroke-width="2.5"/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def ceiling(values: Sequence[float]) -> float:
    """The end of an axis that has room for all of them: 1, 2, 2.5 or 5 times a power of ten."""
    highest = max((value for value in values if not math.isnan(value)), default=0.0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if highest <= step * power))


def _panel(panel: Panel, counts: Sequence[int], axis: str, colours: Mapping[str, str]) -> list[str]:
    top = ceiling([value for values in panel.lines.values() for value in values])
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(panel.title)}, {escape(panel.unit)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - _TOP)
        parts.append(f'<path d="M{_LEFT} {y:g}H{right}" stroke="{_INK}" stroke-opacity="0.25"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:g}" text-anchor="end">{top * share:g}</text>')
    xs = [_LEFT + place * (right - _LEFT) / max(1, len(counts) - 1) for place in range(len(counts))]
    for x, count in zip(xs, counts, strict=True):
        parts.append(f'<text x="{x:g}" y="{bottom + 15}" text-anchor="middle">{count:,}</text>')
    parts.append(f'<text x="{(_LEFT + right) / 2:g}" y="{bottom + 29}" text-anchor="middle">{escape(axis)}</text>')
    for name, values in panel.lines.items():
        known = [(x, value) for x, value in zip(xs, values, strict=True) if not math.isnan(value)]
        points = [f"{x:g} {bottom - value / top * (bottom - _TOP):.1f}" for x, value in known]
        if points:
            parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{colours[name]}" stroke-width="2.5"/>')
        parts += [
            f'<circle cx="{x:g}" cy="{bottom - value / top * (bottom - _TOP):.1f}" r="3" fill="{colours[name]}"/>'
            for x, value in known
        ]
    return parts
