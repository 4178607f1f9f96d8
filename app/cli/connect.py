"""`connect` and `--demo`: a tunnel without a window."""

import argparse
import asyncio
from dataclasses import replace
from typing import Final

from app.cli.inputs import LOCAL_PORT, credentials, imported
from app.cli.output import JsonReport, Report, StatusLine, reader_gone, say, warn
from app.cli.run import first_of, log_to_stderr, run
from app.client.client import Client
from app.client.options import engine_options, unmet_wishes
from app.client.state import State
from app.demo import Demo
from app.engine.options import EngineOptions, LocalOptions, Server
from app.errors import ListenFailed
from app.storage.paths import state_dir
from app.storage.schemes import PushedSchemes
from app.system.resources import raise_file_limit
from app.texts import translate

# How many ports above it the demo tries before it takes any that is free.
_TRIES: Final = 20


def connect_command(arguments: argparse.Namespace) -> int:
    """Run a tunnel for a link or a configuration until it is stopped."""
    log_to_stderr(arguments.log_level or "info")
    source = imported(arguments.link, arguments.config)
    for note in (*source.notes, *unmet_wishes(source.profile)):
        warn(note)
    local = LocalOptions(
        host=arguments.listen.host,
        port=arguments.listen.port,
        credentials=credentials(arguments.user_file, arguments.user_env),
        exact_replies=arguments.exact_replies,
        udp_connect=(arguments.udp_mode or source.profile.udp_mode) == "connect",
    )
    options = engine_options(source.profile, source.passwords, local)
    raise_file_limit()
    report = JsonReport() if arguments.json else StatusLine()
    schemes = PushedSchemes(state_dir() / "padding-schemes.json")

    async def command(stop: asyncio.Event) -> int:
        client = Client(schemes)
        try:
            await client.start(options)
            report.listening(client)
            await _watch(client, report, stop)
        finally:
            await client.stop()
        return 0

    return run(command)


def demo_command(arguments: argparse.Namespace) -> int:
    """Run a server and a tunnel to it until stopped: everything there is to see, on this computer alone."""
    log_to_stderr(arguments.log_level or "warning")
    raise_file_limit()
    return run(_demo)


async def _demo(stop: asyncio.Event) -> int:
    demo = Demo()
    client = Client(PushedSchemes(None))
    try:
        candidate, page = await demo.start()
        assert candidate.profile is not None
        options = engine_options(candidate.profile, candidate.passwords, LocalOptions(), page)
        await _start_nearby(client, options)
        _introduce(options.servers[0], client)
        await _watch(client, StatusLine(), stop)
    finally:
        await client.stop()
        await demo.stop()
    return 0


async def _start_nearby(client: Client, options: EngineOptions) -> None:
    """Start on the usual port, or on the next one that is free."""
    for port in (*range(LOCAL_PORT, LOCAL_PORT + _TRIES), 0):
        try:
            await client.start(replace(options, local=LocalOptions(port=port)))
        except ListenFailed:
            if port == 0:
                raise
        else:
            return


def _introduce(server: Server, client: Client) -> None:
    assert client.address is not None
    say(translate("demo", "AnyTLS Tray, demo: a server of its own on {server}.").format(server=server))
    if client.address.port != LOCAL_PORT:
        taken = translate("demo", "Port {port} is taken, so the local proxy has the next free one.")
        say(taken.format(port=LOCAL_PORT))
    say(
        translate("demo", "The local proxy listens on {address}. Try it in another terminal:").format(
            address=client.address
        )
    )
    say(f"\n    curl -x socks5h://{client.address} https://example.com\n")
    say(translate("demo", "Ctrl-C stops it."))


async def _watch(client: Client, report: Report, stop: asyncio.Event) -> None:
    told: list[tuple[State, str]] = []

    def changed() -> None:
        now = client.state, str(client.failure)
        if told != [now]:
            told[:] = [now]
            report.changed(client)

    client.on_change = changed
    changed()
    loop = asyncio.get_running_loop()
    while not await first_of(stop, 1.0) and not reader_gone():
        report.second(client, await client.snapshot(), loop.time())
    report.end()
