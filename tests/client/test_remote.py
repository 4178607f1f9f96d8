import pytest

from app.client.remote import WindowDoor, serve
from app.errors import BadInput, Failure, ListenFailed, NoProfile
from app.storage.settings import ACTIVE_PROFILE
from tests.fakes.desk import desk, profile_of
from tests.fakes.listening import deaf
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until

LINK = "anytls://needle@one.example#One"


class Instance:
    """A control, and what its window was asked for."""

    def __init__(self, desk):
        self.desk = desk
        self.shown: list[str] = []
        self.texts: list[str] = []
        self.quits = 0
        self.answer = serve(desk.control, WindowDoor(self.shown.append, self.texts.append, self._quit))

    def _quit(self):
        self.quits += 1

    async def ask(self, verb, **fields):
        return await self.answer({"verb": verb, **fields})

    async def state(self):
        return (await self.ask("status"))["status"]["state"]


@pytest.fixture
async def one(tmp_path):
    async with desk(tmp_path) as made:
        yield Instance(made)


@pytest.fixture
async def connected(one):
    """An instance with a profile that works, turned off."""
    async with anytls_server() as server:
        await one.desk.profiles.add(profile_of(server, "Berlin"), (PASSWORD,))
        yield one
        await one.desk.control.disconnect()


async def test_status_of_one_that_is_off(one):
    assert await one.ask("status") == {
        "status": {"state": "off", "profile": None, "listen": None, "up": 0, "down": 0, "sessions": []}
    }


async def test_on_and_off(connected):
    answer = await connected.ask("on")
    assert answer["status"]["state"] in ("connecting", "on")
    assert answer["status"]["profile"] == "Berlin"
    assert answer["status"]["listen"].startswith("127.0.0.1:")
    await until(lambda: connected.desk.client.state.value == "on")
    assert (await connected.ask("status"))["status"]["sessions"]
    assert (await connected.ask("off"))["status"]["state"] == "off"


async def test_toggle(connected):
    assert (await connected.ask("toggle"))["status"]["state"] in ("connecting", "on")
    assert (await connected.ask("toggle"))["status"]["state"] == "off"


async def test_on_without_a_profile_is_refused(one):
    with pytest.raises(NoProfile):
        await one.ask("on")


async def test_a_port_that_is_taken_is_said(connected):
    with deaf() as address:
        connected.desk.settings._values["listen_port"] = address.port
        with pytest.raises(ListenFailed):
            await connected.ask("on")


async def test_switching_by_name(one):
    await one.desk.add("Berlin", "Paris")
    answer = await one.ask("switch", name="pARIS")
    assert answer["status"]["profile"] == "Paris"
    assert one.desk.settings.get(ACTIVE_PROFILE) == one.desk.profiles.entries[1].id


async def test_switching_to_what_is_not_there(one):
    with pytest.raises(NoProfile):
        await one.ask("switch", name="Atlantis")


async def test_an_import_is_shown_before_anything_is_added(one):
    assert await one.ask("import", text=LINK, activation="token") == {}
    assert (one.shown, one.texts) == (["token"], [LINK])
    assert one.desk.profiles.entries == ()


async def test_an_import_that_is_agreed_to_is_added(one):
    answer = await one.ask("import", text=f"{LINK}\nanytls://needle", yes=True)
    assert answer["added"] == ("One",)
    assert len(answer["refused"]) == 1
    assert "needle" not in str(answer)
    assert [entry.profile.name for entry in one.desk.profiles.entries] == ["One"]
    assert (one.shown, one.texts) == ([], [])


async def test_an_import_of_nothing_is_refused(one):
    with pytest.raises(BadInput, match=r"no anytls:// link"):
        await one.ask("import", text="hello", yes=True)


async def test_show_and_quit(one):
    assert await one.ask("show") == {}
    assert await one.ask("show", activation="token") == {}
    assert await one.ask("quit") == {}
    assert (one.shown, one.quits) == (["", "token"], 1)


@pytest.mark.parametrize("token", ["a\0b", "\ud800", "a\nb", "x" * 10_000])
async def test_what_is_no_token_is_left_out(one, token):
    """It goes into the environment, which has no room for all that JSON can say."""
    await one.ask("show", activation=token)
    await one.ask("import", text=LINK, activation=token)
    assert one.shown == ["", ""]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "does not know “None”"),
        ({"verb": "explode"}, "does not know “explode”"),
        ({"verb": "x\n\x1b[2J" + "y" * 100}, "does not know “x"),
        ({"verb": ["on"]}, "does not know"),
        ({"verb": "__init__"}, "does not know"),
        ({"verb": "on", "name": "x"}, "“name” is not understood"),
        ({"verb": "switch"}, "“name” is missing"),
        ({"verb": "switch", "name": 1}, "“name” is of another kind"),
        ({"verb": "import", "text": LINK, "yes": 1}, "“yes” is of another kind"),
        ({"verb": "import", "text": None}, "“text” is of another kind"),
    ],
)
async def test_everything_else_is_refused_in_one_sentence(one, request_, sentence):
    with pytest.raises(Failure) as caught:
        await one.answer(request_)
    told = str(caught.value)
    assert sentence in told
    assert told.isprintable()
    assert len(told) < 200
    assert (one.shown, one.texts, one.quits) == ([], [], 0)


async def test_the_request_is_left_as_it_is(one):
    request = {"verb": "status"}
    await one.answer(request)
    assert request == {"verb": "status"}
