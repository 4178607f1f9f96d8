"""What the command line and a second start may ask of the running instance: a closed list of verbs.

Every verb names its fields and their types. What is not in the list is refused in one sentence, and never acted upon.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.client.adding import add_all
from app.client.control import Control
from app.client.importing import candidates
from app.errors import BadInput, NoProfile
from app.protocols.text import printable
from app.texts import translate

_LONGEST_TOKEN: Final = 200  # characters; Wayland compositors give some forty

Fields = dict[str, Any]
Handler = Callable[[Fields], Coroutine[Any, Any, Fields]]


@dataclass(frozen=True, slots=True)
class WindowDoor:
    """What only the window can do."""

    show: Callable[[str], None]
    """Come to the front; with the token that lets a Wayland window do so, or an empty text."""
    preview: Callable[[str], None]
    """Show what the links in a text would add, and let the person decide."""
    quit: Callable[[], None]
    """End the program soon; returns at once."""


@dataclass(frozen=True, slots=True)
class _Verb:
    act: Callable[["_Remote", Fields], Awaitable[Fields]]
    required: Mapping[str, type]
    optional: Mapping[str, type]


def serve(control: Control, door: WindowDoor) -> Handler:
    """What answers requests: their fields in, the answer's fields out. It raises a `Failure` for every refusal."""
    remote = _Remote(control, door)

    async def answer(request: Fields) -> Fields:
        fields = dict(request)
        name = fields.pop("verb", None)
        verb = _VERBS.get(name) if isinstance(name, str) else None
        if verb is None:
            text = translate("remote", "the running AnyTLS Tray does not know “{verb}”")
            raise BadInput(text.format(verb=printable(str(name), 40)))
        _check(fields, verb)
        return await verb.act(remote, fields)

    return answer


def _check(fields: Fields, verb: _Verb) -> None:
    allowed = {**verb.required, **verb.optional}
    for name, value in fields.items():
        if name not in allowed:
            text = translate("remote", "“{field}” is not understood")
            raise BadInput(text.format(field=printable(name, 40)))
        if type(value) is not allowed[name]:
            raise BadInput(translate("remote", "“{field}” is of another kind").format(field=name))
    for name in verb.required:
        if name not in fields:
            raise BadInput(translate("remote", "“{field}” is missing").format(field=name))


class _Remote:
    """The verbs."""

    def __init__(self, control: Control, door: WindowDoor) -> None:
        self._control = control
        self._door = door

    async def on(self, _fields: Fields) -> Fields:
        await self._control.connect()
        return await self.status({})

    async def off(self, _fields: Fields) -> Fields:
        await self._control.disconnect()
        return await self.status({})

    async def toggle(self, _fields: Fields) -> Fields:
        await self._control.toggle()
        return await self.status({})

    async def switch(self, fields: Fields) -> Fields:
        entry = self._control.profiles.find(fields["name"])
        if entry is None:
            raise NoProfile
        await self._control.activate(entry.id)
        return await self.status({})

    async def status(self, _fields: Fields) -> Fields:
        return {"status": await self._control.status()}

    async def import_(self, fields: Fields) -> Fields:
        text = fields["text"]
        if not fields.get("yes", False):
            self._door.show(_token(fields))
            self._door.preview(text)
            return {}
        found = await asyncio.to_thread(candidates, text)
        if not found:
            raise BadInput(translate("remote", "there is no anytls:// link in it"))
        return asdict(await add_all(found, self._control.profiles))

    async def show(self, fields: Fields) -> Fields:
        self._door.show(_token(fields))
        return {}

    async def quit(self, _fields: Fields) -> Fields:
        self._door.quit()
        return {}


def _token(fields: Fields) -> str:
    """The token, which goes into the environment: nothing where it is none."""
    token: str = fields.get("activation", "")
    return token if token.isascii() and token.isprintable() and len(token) <= _LONGEST_TOKEN else ""


_VERBS: Final[Mapping[str, _Verb]] = {
    "on": _Verb(_Remote.on, {}, {}),
    "off": _Verb(_Remote.off, {}, {}),
    "toggle": _Verb(_Remote.toggle, {}, {}),
    "switch": _Verb(_Remote.switch, {"name": str}, {}),
    "status": _Verb(_Remote.status, {}, {}),
    "import": _Verb(_Remote.import_, {"text": str}, {"yes": bool, "activation": str}),
    "show": _Verb(_Remote.show, {}, {"activation": str}),
    "quit": _Verb(_Remote.quit, {}, {}),
}
