"""The command line: the same verbs as the window's, without one. `main` is the command `anytls-tray`."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Never

from app import __version__
from app.cli.connect import LOCAL_PORT, connect_command, demo_command
from app.cli.inputs import address
from app.cli.output import warn
from app.cli.probe import probe_command
from app.cli.run import LEVELS
from app.cli.serve import serve_command
from app.errors import Failure
from app.protocols.address import Address
from app.texts import translate

_LINK = re.compile(r"anytls://[^\s']*", re.IGNORECASE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command; 0 is fine, 1 failed, 2 wrong use."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except Failure as failure:
        warn(str(failure))
        return failure.exit_code
    except KeyboardInterrupt:
        return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of repeating the whole usage, or a link that stands where none is."""

    def error(self, message: str) -> Never:
        message = _LINK.sub("anytls://…", message)
        hint = translate("cli", "try “{program} --help”").format(program=self.prog)
        self.exit(2, f"anytls-tray: {message}; {hint}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="anytls-tray", description=translate("cli", "AnyTLS client with a local SOCKS and HTTP proxy.")
    )
    parser.add_argument("--version", action="version", version=f"anytls-tray {__version__}")
    parser.add_argument(
        "--demo", action="store_true", help=translate("cli", "a server and a tunnel to it, to try it out")
    )
    _add_log_level(parser, None)
    parser.set_defaults(command=lambda parsed: demo_command(parsed) if parsed.demo else _nothing_asked(parser))
    verbs = parser.add_subparsers(metavar="VERB", parser_class=_Parser)
    _add_connect(verbs.add_parser("connect", help=translate("cli", "serve the local proxy through a server")))
    _add_serve(verbs.add_parser("serve", help=translate("cli", "be an AnyTLS server")))
    _add_probe(verbs.add_parser("probe", help=translate("cli", "try a server stage by stage")))
    return parser


def _nothing_asked(parser: argparse.ArgumentParser) -> int:
    parser.print_help(sys.stderr)
    return 2


def _add_connect(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=connect_command)
    _add_link(parser)
    parser.add_argument("--config", metavar="FILE", help=translate("cli", "a v2ray JSON outbound instead of a link"))
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=address,
        default=Address("127.0.0.1", LOCAL_PORT),
        help=translate("cli", "where the local proxy listens; port 0 takes a free one (default 127.0.0.1:1080)"),
    )
    parser.add_argument(
        "--exact-replies", action="store_true", help=translate("cli", "tell apps what became of the target")
    )
    parser.add_argument(
        "--udp-mode", choices=("connect", "packet"), help=translate("cli", "one stream for each target, or one for all")
    )
    user = parser.add_mutually_exclusive_group()
    user.add_argument("--user-file", metavar="FILE", help=translate("cli", "user:password that apps have to give"))
    user.add_argument("--user-env", metavar="VARIABLE", help=translate("cli", "the same, from the environment"))
    _add_output(parser)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=serve_command)
    parser.add_argument("--listen", metavar="HOST:PORT", type=address, required=True)
    passwords = parser.add_mutually_exclusive_group(required=True)
    passwords.add_argument(
        "--password-file", metavar="FILE", help=translate("cli", "one password or name:password a line")
    )
    passwords.add_argument(
        "--password-env", metavar="VARIABLE", help=translate("cli", "one password, from the environment")
    )
    parser.add_argument(
        "--cert", metavar="FILE", help=translate("cli", "PEM; without one a self-signed certificate is made and kept")
    )
    parser.add_argument("--key", metavar="FILE", help=translate("cli", "PEM, not encrypted"))
    parser.add_argument(
        "--padding-scheme", metavar="FILE", help=translate("cli", "pushed to clients that have another")
    )
    parser.add_argument(
        "--fallback", metavar="HOST:PORT", type=address, help=translate("cli", "an HTTP server for strangers")
    )
    parser.add_argument("--name", metavar="HOST", help=translate("cli", "how clients reach this server, for the link"))
    _add_output(parser)


def _add_probe(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=probe_command)
    _add_link(parser)
    parser.add_argument(
        "--target", metavar="HOST:PORT", type=address, help=translate("cli", "a target that the stream has to reach")
    )
    _add_output(parser)


def _add_link(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "link", metavar="LINK", nargs="?", help=translate("cli", "anytls://… or “-” to read it from standard input")
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=translate("cli", "one JSON object a line"))
    _add_log_level(parser, argparse.SUPPRESS)  # or its default would undo what stands before the verb


def _add_log_level(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--log-level", choices=tuple(LEVELS), default=default, help=translate("cli", "how much is logged")
    )
