"""Adding what was imported without a preview: for `import --yes`, by the running instance or without one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.client.importing import Candidate
from app.client.profiles import Profiles
from app.texts import translate


@dataclass(frozen=True, slots=True)
class Added:
    """What has become of the candidates. Names and sentences, without secrets."""

    added: tuple[str, ...]
    known: tuple[str, ...]
    """Profiles that were there before."""
    refused: tuple[str, ...]
    """Why not, each a sentence."""
    notes: tuple[str, ...]
    """What to know about those that were added, each a sentence."""


async def add_all(candidates: Sequence[Candidate], profiles: Profiles) -> Added:
    """Add every candidate that is one and is not there yet. Raises `Failure`; nothing is added then."""
    good = [one for one in candidates if one.profile is not None]
    if good:
        await profiles.unlock()  # or two profiles of one server could not be told apart
    judged = marked(good, profiles)
    new = [one for one in judged if not one.duplicate_of]
    entries = await profiles.add_many([(one.profile, one.passwords) for one in new if one.profile is not None])
    return Added(
        added=tuple(entry.profile.name for entry in entries),
        known=tuple(one.duplicate_of for one in judged if one.duplicate_of),
        refused=tuple(_refused(one) for one in candidates if one.profile is None),
        notes=tuple(f"{one.source}: {note}" for one in new for note in told(one)),
    )


def marked(candidates: Sequence[Candidate], profiles: Profiles) -> list[Candidate]:
    """The candidates, with the name of the profile that each would repeat: one that is there, or one before it."""
    found: list[Candidate] = []
    duplicates = profiles.duplicates()
    first: dict[object, str] = {}
    for one in candidates:
        if one.profile is None:
            found.append(one)
            continue
        known = duplicates.find(one.profile, one.passwords)
        key = frozenset(zip(one.profile.servers, one.passwords, strict=True))
        name = known.profile.name if known else first.get(key, "")
        first.setdefault(key, one.profile.name)
        found.append(replace(one, duplicate_of=name))
    return found


def told(candidate: Candidate) -> tuple[str, ...]:
    """What there is to know before it is added, the dangers first, each once."""
    return tuple(dict.fromkeys((*candidate.dangers, *candidate.notes)))


def _refused(candidate: Candidate) -> str:
    text = translate("import", "{source}: {problem}")
    return text.format(source=candidate.source, problem=candidate.problem) if candidate.source else candidate.problem
