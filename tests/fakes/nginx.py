"""A real web server, in front of nothing: what a client meets where it has the wrong address."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.listening import free_port
from tests.fakes.waiting import PATIENCE

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

needs_nginx = pytest.mark.skipif(NGINX is None, reason="there is no nginx here")

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl{http2};
        ssl_certificate {identity};
        ssl_certificate_key {identity};
        {settings}
        location / {{ return 200 "a website"; }}
    }}
}}
"""


@contextlib.asynccontextmanager
async def nginx(settings: str = "", identity: Identity | None = None, *, http2: bool = False) -> AsyncIterator[Address]:
    """A website over TLS until the block ends; `settings` are added to its server's."""
    assert NGINX is not None
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=port,
                http2=" http2" if http2 else "",
                identity=(identity or certificates.good()).saved(folder),
                settings=settings,
            )
        )
        process = await asyncio.create_subprocess_exec(
            *(NGINX, "-p", folder, "-e", "stderr", "-c", str(configuration)), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await listens(port)
            yield Address("127.0.0.1", port)
        finally:
            process.kill()
            await process.wait()


async def listens(port: int) -> None:
    """Wait until something listens there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
