"""Bytes are counted by plain attributes."""

import pytest

from app.traffic.meter import Meter


def test_it_counts_each_way() -> None:
    meter = Meter()
    meter.up += 3
    meter.down += 2**40
    assert (meter.up, meter.down) == (3, 2**40)


def test_a_misspelt_counter_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Meter().upp = 1  # type: ignore[attr-defined]  # the very mistake that is tried
