"""What the numbers were measured on, and when."""

import os
import platform
import ssl
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app import __version__


def description() -> str:
    """Date, processor, system and versions, in two lines."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} × {_processor()}, {platform.system()} "
        f"{platform.release()}{_congestion_control()}\n"
        f"anytls-tray {__version__}, Python {platform.python_version()}, {_loop()}, {ssl.OPENSSL_VERSION}"
    )


def _congestion_control() -> str:
    """It paces: with BBR a transfer on one machine is slower than with CUBIC."""
    try:
        return f", TCP {Path('/proc/sys/net/ipv4/tcp_congestion_control').read_text(encoding='ascii').strip()}"
    except OSError:
        return ""


def _loop() -> str:
    name = "winloop" if sys.platform == "win32" else "uvloop"
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return "asyncio"


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
