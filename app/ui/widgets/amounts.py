"""How amounts of time are written, in at most two units."""

from app.texts import translate


def duration_text(seconds: float) -> str:
    """A span of time: 3 s, 4 min 10 s, 2 h 14 min, 3 d 4 h. Never rounded up."""
    whole = max(0, int(seconds))
    if whole < 60:
        return translate("amounts", "{seconds} s").format(seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return translate("amounts", "{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return translate("amounts", "{hours} h {minutes} min").format(hours=hours, minutes=minutes)
    days, hours = divmod(hours, 24)
    return translate("amounts", "{days} d {hours} h").format(days=days, hours=hours)


def age_text(seconds: float) -> str:
    """A span of time in one unit, for where it changes before one's eyes: 54 s, 25 min, 3 h, 2 d. Never rounded up."""
    whole = max(0, int(seconds))
    for size, text in (
        (86_400, translate("amounts", "{number} d")),
        (3_600, translate("amounts", "{number} h")),
        (60, translate("amounts", "{number} min")),
    ):
        if whole >= size:
            return text.format(number=whole // size)
    return translate("amounts", "{seconds} s").format(seconds=whole)


def ms_text(ms: float) -> str:
    """How long a stage took: 0.4 ms, 18 ms, 1.2 s."""
    if round(ms, 1) < 1:
        return translate("amounts", "{ms} ms").format(ms=f"{ms:.1f}")
    if round(ms) < 1000:
        return translate("amounts", "{ms} ms").format(ms=f"{ms:.0f}")
    return translate("amounts", "{seconds} s").format(seconds=f"{ms / 1000:.1f}")


def distance_text(seconds: float) -> str:
    """How far away a moment is, in one unit: in 12 d, 3 h ago."""
    text = translate("amounts", "in {span}") if seconds >= 0 else translate("amounts", "{span} ago")
    return text.format(span=age_text(abs(seconds)))
