"""Words for what has none of its own: a stage of connecting, and what the protocols, which are pure, find unusable."""

from typing import Final

from app.protocols.text import Flaw
from app.texts import QT_TRANSLATE_NOOP, translate

FLAWS: Final = (
    QT_TRANSLATE_NOOP("reasons", "a packet has more than {limit} sizes"),
    QT_TRANSLATE_NOOP("reasons", "a packet is padded by more than {limit} bytes"),
    QT_TRANSLATE_NOOP("reasons", "a size is larger than {limit}"),
    QT_TRANSLATE_NOOP("reasons", "a stream was opened before the settings came"),
    QT_TRANSLATE_NOOP("reasons", "expected host:port, or [address]:port for IPv6"),
    QT_TRANSLATE_NOOP("reasons", "first byte {byte:#04x}"),
    QT_TRANSLATE_NOOP("reasons", "it has no valid “stop”"),
    QT_TRANSLATE_NOOP("reasons", "it is longer than {limit} bytes"),
    QT_TRANSLATE_NOOP("reasons", "it is not UTF-8 text"),
    QT_TRANSLATE_NOOP("reasons", "it pads a session by more than {limit} bytes"),
    QT_TRANSLATE_NOOP("reasons", "the ECH configuration is cut short or damaged"),
    QT_TRANSLATE_NOOP("reasons", "the ECH configuration is neither base64 nor PEM"),
    QT_TRANSLATE_NOOP("reasons", "the ECH configuration is of a kind that is not known here"),
    QT_TRANSLATE_NOOP("reasons", "the host name cannot be written in ASCII"),
    QT_TRANSLATE_NOOP("reasons", "the host name has a character that no host name has"),
    QT_TRANSLATE_NOOP("reasons", "the host name is empty or longer than {limit} bytes"),
    QT_TRANSLATE_NOOP("reasons", "the host name is not text"),
    QT_TRANSLATE_NOOP("reasons", "the port is missing or not a number up to {limit}"),
    QT_TRANSLATE_NOOP("reasons", "the port is not a number up to {limit}"),
    QT_TRANSLATE_NOOP("reasons", "the user id or host is longer than {limit} bytes"),
    QT_TRANSLATE_NOOP("reasons", "there is no IPv6 address between the brackets"),
    QT_TRANSLATE_NOOP("reasons", "this is a proxy for http:// addresses and for CONNECT"),
    QT_TRANSLATE_NOOP("reasons", "unknown address type {number}"),
)


def stage_name(name: str) -> str:
    """A stage of connecting in a word."""
    return {
        "dns": translate("stages", "name"),
        "tcp": translate("stages", "TCP"),
        "tls": translate("stages", "TLS"),
        "authentication": translate("stages", "password"),
        "stream": translate("stages", "stream"),
        "page": translate("stages", "web page"),
    }.get(name, name)


def reason_of(flaw: Flaw) -> str:
    """Half a sentence that says what is wrong."""
    return translate("reasons", flaw.text).format(**flaw.values)
