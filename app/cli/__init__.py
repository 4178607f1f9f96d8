"""The command line: the same verbs as the window's, without one. `main` carries out one command.

Without a verb, or with nothing but links and files, a window is asked for: from the instance that runs, else from
`window` where one can be shown. Where none can be, `--demo` runs in the terminal and links are only looked at.
"""

import argparse
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Never

from app import __version__
from app.cli.inputs import LOCAL_PORT, address
from app.cli.output import say, warn
from app.cli.remote import (
    hand_over,
    import_command,
    is_source,
    preview,
    quit_command,
    status_command,
    texts_of,
    verb_command,
)
from app.cli.run import LEVELS
from app.errors import Failure
from app.protocols.address import Address
from app.system.instance import is_running
from app.texts import translate

_LINK = re.compile(r"anytls://[^\s']*", re.IGNORECASE)

_VERBS: Final = ("connect", "serve", "probe", "on", "off", "toggle", "switch", "status", "import", "quit")

# Any of them means that Qt has somewhere to show a window.
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """What a window is asked for with. `texts` may hold links, each text read whole."""

    demo: bool = False
    minimized: bool = False
    texts: tuple[str, ...] = field(default=(), repr=False)
    log_level: str | None = None


Window = Callable[[WindowRequest], int]
"""Shows the window until it is quit; returns the exit code."""


def main(arguments: Sequence[str] | None = None, window: Window | None = None) -> int:
    """Carry out the command; 0 is fine, 1 failed, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if _begins_with_source(words):
        parsed = _source_parser().parse_intermixed_args(words)
    else:
        parsed = _parser().parse_args(words)
    try:
        if hasattr(parsed, "command"):
            command: Callable[[argparse.Namespace], int] = parsed.command
            return command(parsed)
        return _without_verb(parsed, window)
    except Failure as failure:
        warn(str(failure))
        return failure.exit_code
    except KeyboardInterrupt:
        return 0


def _begins_with_source(words: Sequence[str]) -> bool:
    """Whether a link or a file stands where a verb would."""
    bare = [word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1 : at] != ["--log-level"]]
    return bool(bare) and bare[0] not in _VERBS and is_source(bare[0])


def _without_verb(parsed: argparse.Namespace, window: Window | None) -> int:
    request = WindowRequest(parsed.demo, parsed.minimized, texts_of(parsed.sources), parsed.log_level)
    if window is not None and not parsed.no_window and (request.texts or _can_show_windows()):
        if _handed_over(request):
            return 0
        if _can_show_windows():
            return window(request)
    if request.demo:
        from app.cli.connect import demo_command

        return demo_command(parsed)
    if request.texts:
        return preview(request.texts)
    _parser().print_help(sys.stderr)
    return 2


def _handed_over(request: WindowRequest) -> bool:
    """Whether an instance runs already, which shows itself then; at login it need not."""
    if request.minimized and not request.texts:
        return is_running()
    if not hand_over(request.texts):
        return False
    if request.demo:
        say(translate("cli", "AnyTLS Tray is running already; quit it to see the demo."))
    return True


def _can_show_windows() -> bool:
    if importlib.util.find_spec("PySide6") is None or importlib.util.find_spec("qasync") is None:
        return False
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, _DISPLAYS))


# What has an engine or a server in it is imported when it is asked for: neither the window nor a verb waits for it.


def _connect(parsed: argparse.Namespace) -> int:
    from app.cli.connect import connect_command

    return connect_command(parsed)


def _serve(parsed: argparse.Namespace) -> int:
    from app.cli.serve import serve_command

    return serve_command(parsed)


def _probe(parsed: argparse.Namespace) -> int:
    from app.cli.probe import probe_command

    return probe_command(parsed)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of repeating the whole usage, or a link that stands where none is."""

    def error(self, message: str) -> Never:
        message = _LINK.sub("anytls://…", message)
        hint = translate("cli", "try “{program} --help”").format(program=self.prog)
        self.exit(2, f"anytls-tray: {message}; {hint}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _plain_parser()
    verbs = parser.add_subparsers(metavar="VERB", parser_class=_Parser)
    _add_connect(verbs.add_parser("connect", help=translate("cli", "serve the local proxy through a server")))
    _add_serve(verbs.add_parser("serve", help=translate("cli", "be an AnyTLS server")))
    _add_probe(verbs.add_parser("probe", help=translate("cli", "try a server stage by stage")))
    _add_import(verbs.add_parser("import", help=translate("cli", "add profiles from links or files")))
    _add_verbs_of_the_window(verbs)
    return parser


def _source_parser() -> argparse.ArgumentParser:
    parser = _plain_parser()
    parser.add_argument("sources", metavar="LINK", nargs="*", help=translate("cli", "a link or a file to add"))
    return parser


def _plain_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="anytls-tray", description=translate("cli", "AnyTLS client with a local SOCKS and HTTP proxy.")
    )
    parser.add_argument("--version", action="version", version=f"anytls-tray {__version__}")
    parser.add_argument(
        "--demo", action="store_true", help=translate("cli", "a server and a tunnel to it, to try it out")
    )
    parser.add_argument("--minimized", action="store_true", help=translate("cli", "start without showing the window"))
    parser.add_argument("--no-window", action="store_true", help=translate("cli", "stay in the terminal"))
    _add_log_level(parser, None)
    parser.set_defaults(sources=())
    return parser


def _add_connect(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_connect)
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
    parser.set_defaults(command=_serve)
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=address, required=True, help=translate("cli", "where the server listens")
    )
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
    parser.set_defaults(command=_probe)
    _add_link(parser)
    parser.add_argument(
        "--target", metavar="HOST:PORT", type=address, help=translate("cli", "a target that the stream has to reach")
    )
    _add_output(parser)


def _add_verbs_of_the_window(verbs: Any) -> None:
    """What is asked of the running instance."""
    for verb, text in (
        ("on", translate("cli", "connect")),
        ("off", translate("cli", "disconnect")),
        ("toggle", translate("cli", "connect, or disconnect")),
        ("switch", translate("cli", "go to another profile, which has to prove itself first")),
    ):
        parser = verbs.add_parser(verb, help=text)
        parser.set_defaults(command=verb_command, verb=verb)
        if verb == "switch":
            parser.add_argument("name", metavar="NAME", help=translate("cli", "the profile's name"))
    status = verbs.add_parser("status", help=translate("cli", "say what the running program does"))
    status.set_defaults(command=status_command)
    status.add_argument("--json", action="store_true", help=translate("cli", "one JSON object"))
    verbs.add_parser("quit", help=translate("cli", "end the running program")).set_defaults(command=quit_command)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=import_command)
    parser.add_argument(
        "sources",
        metavar="LINK",
        nargs="+",
        help=translate("cli", "anytls://…, a file, or “-” for standard input"),
    )
    parser.add_argument("--yes", action="store_true", help=translate("cli", "add without a preview"))
    _add_log_level(parser, argparse.SUPPRESS)


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
