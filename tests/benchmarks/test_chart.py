"""A chart shows each value where it belongs, and leaves out what is unknown."""

import math
import xml.etree.ElementTree as ET

import pytest

from tests.benchmarks.chart import Panel, ceiling, svg

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("values", "end"), [([0.3, 0.2], 0.5), ([1.0], 1.0), ([410.0], 500.0), ([23.0, math.nan], 25.0), ([], 1.0)]
)
def test_an_axis_ends_at_a_round_number_above_all_values(values: list[float], end: float) -> None:
    assert ceiling(values) == pytest.approx(end)


def test_every_known_value_is_a_point_at_its_height_and_names_are_in_the_legend() -> None:
    panel = Panel("Speed", "MB/s", {"ours": [100.0, 50.0], "R&D <peer>": [math.nan, 0.0]})
    root = ET.fromstring(svg([panel], [1, 10], "streams"))
    heights = [float(circle.get("cy", "")) for circle in root.iter(f"{NAMESPACE}circle")]
    assert len(heights) == 3
    full, half, nothing = heights
    assert full < half < nothing
    assert half - full == pytest.approx(nothing - half)
    texts = {text.text for text in root.iter(f"{NAMESPACE}text")}
    assert {"ours", "R&D <peer>", "Speed, MB/s", "10", "streams"} <= texts


def test_panels_stand_side_by_side() -> None:
    panels = [Panel(title, "ms", {"ours": [1.0]}) for title in ("one", "two")]
    root = ET.fromstring(svg(panels, [1], "streams"))
    places = [group.get("transform") for group in root.iter(f"{NAMESPACE}g")]
    assert len(set(places)) == 2
