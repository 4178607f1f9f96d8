"""Where apps find the local proxy, as text to paste: its address, and the lines that tell a terminal."""

from typing import Final
from urllib.parse import quote

from app.client.control import Control
from app.protocols.address import Address
from app.storage.settings import LISTEN_HOST, LISTEN_PORT

SHELLS: Final = ("sh", "powershell", "cmd")

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (read, not listened on)
_DIRECT: Final = "localhost,127.0.0.1,::1"


def local_address(control: Control) -> Address:
    """Where apps on this computer reach the local proxy: where it listens, or would listen once it is on."""
    settings = control.settings
    listens = control.client.address or Address(settings.get(LISTEN_HOST), settings.get(LISTEN_PORT))
    return Address(_ANY.get(listens.host, listens.host), listens.port)


def command(shell: str, address: Address, credentials: tuple[str, str] | None = None) -> str:
    """One line for "sh", "powershell" or "cmd" that sends what is started afterwards through the proxy.

    `credentials` are user and password, which the line then has in it.
    """
    who = "".join(f"{quote(part, safe='')}{end}" for part, end in zip(credentials or (), ":@", strict=False))
    web, socks = f"http://{who}{address}", f"socks5h://{who}{address}"
    values = {"http_proxy": web, "https_proxy": web, "all_proxy": socks, "no_proxy": _DIRECT}
    if shell == "powershell":
        return "; ".join(f"$env:{name} = '{value}'" for name, value in values.items())
    if shell == "cmd":
        return " & ".join(f'set "{name}={value}"' for name, value in values.items())
    return "export " + " ".join(f"{name}='{value}'" for name, value in values.items())
