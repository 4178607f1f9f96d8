"""Counts the bytes of everything that shares it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Meter:
    """Payload bytes since the start. The relay adds to the attributes directly: `meter.up += len(data)`."""

    up: int = 0
    down: int = 0
