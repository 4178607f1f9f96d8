"""`probe`: a server tried stage by stage."""

import argparse
from hashlib import sha256

from app.cli.inputs import imported
from app.cli.output import say, say_json, warn
from app.cli.run import log_to_stderr, run_once
from app.client.options import engine_options, unmet_wishes
from app.client.trust import to_look_at
from app.engine.options import LocalOptions
from app.engine.probe import StageResult, probe
from app.texts import translate
from app.wording import stage_name


def probe_command(arguments: argparse.Namespace) -> int:
    """Try the server of a link and say how far it went; 0 where all stages worked."""
    log_to_stderr(arguments.log_level or "warning")
    source = imported(arguments.link, None)
    for note in (*source.notes, *unmet_wishes(source.profile)):
        warn(note)
    options = engine_options(source.profile, source.passwords, LocalOptions())

    try:
        results = run_once(probe(options.servers[0], options.timings, options.client_name, arguments.target))
    except KeyboardInterrupt:
        return 1  # it was broken off before there was a result
    (_tell_json if arguments.json else _tell)(results)
    return 0 if all(result.ok for result in results) else 1


def _tell_json(results: list[StageResult]) -> None:
    stages = [
        {
            "name": result.name,
            "ok": result.ok,
            "ms": round(result.ms, 1),
            "error": str(result.error) if result.error else None,
            **({"certificate_sha256": pin.hex()} if (pin := _pin(result)) else {}),
        }
        for result in results
    ]
    say_json(ok=all(result.ok for result in results), stages=stages)


def _tell(results: list[StageResult]) -> None:
    names = {result.name: stage_name(result.name) for result in results}
    width = max(map(len, names.values()))
    for result in results:
        say(f"{'✓' if result.ok else '✗'} {names[result.name]:<{width}} {result.ms:8.1f} ms")
        if result.error is not None:
            say(f"  {result.error}")
        if pin := _pin(result):
            text = translate("cli", "SHA-256 of this certificate, to pin it once you have compared it: {pin}")
            say("  " + text.format(pin=pin.hex(":").upper()))


def _pin(result: StageResult) -> bytes:
    """The SHA-256 of the certificate that was rejected, which pins it; empty where pinning it would not help."""
    failure = to_look_at(result.error)
    return sha256(failure.certificate).digest() if failure else b""
