"""How the app is reached: without an outgoing proxy by itself, through a reverse proxy by others."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from ui.fake_studio import FakeStudio

from rhythmic_foley.ui import build_app, serving
from rhythmic_foley.ui.network import reach_self_directly, with_forwarded_port

ROOT = Path(__file__).parents[2]
# The app as a command serves it, in a process whose environment names an outgoing proxy.
_LAUNCH = """
import sys, urllib.request
sys.path[:0] = [{root!r}, {tests!r}]
from ui.fake_studio import FakeStudio
from rhythmic_foley.ui import launch
FakeStudio.pipeline = None
_, address, _ = launch(FakeStudio(), prevent_thread_lock=True, quiet=True)
print(urllib.request.urlopen(address, timeout=60).status)
"""


class _Seen(socketserver.ThreadingTCPServer):
    """An outgoing proxy that notes who asks it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Noting)


class _Noting(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.server.asked.append(self.rfile.readline())  # type: ignore[attr-defined]


def test_the_app_does_not_ask_an_outgoing_proxy_for_its_own_page(tmp_path: Path) -> None:
    with _Seen() as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        outside = f"http://127.0.0.1:{proxy.server_address[1]}"
        names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
        plain = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
        environment = plain | dict.fromkeys(names, outside) | {"GRADIO_TEMP_DIR": str(tmp_path)}
        code = _LAUNCH.format(root=str(ROOT), tests=str(ROOT / "tests"))
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=250, check=False
        )
        proxy.shutdown()
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["200"]), done.stderr[-2000:]
    assert proxy.asked == []


def test_named_exceptions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "intranet.example, 10.0.0.1")
    reach_self_directly("[::1]")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intranet.example,10.0.0.1,localhost,127.0.0.1,::1"
    monkeypatch.setenv("no_proxy", "*")
    reach_self_directly(None)
    assert os.environ["no_proxy"] == "*"


def forwarded(**headers: str) -> str | None:
    """The X-Forwarded-Host that Gradio sees."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    seen = dict(with_forwarded_port({"type": "http", "headers": raw})["headers"])
    return seen.get(b"x-forwarded-host", b"").decode() or None


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ({"host": "a.example", "x_forwarded_port": "8443", "x_forwarded_proto": "https"}, "a.example:8443"),
        ({"host": "a.example", "x_forwarded_port": "443", "x_forwarded_proto": "https"}, None),
        ({"host": "a.example", "x_forwarded_port": "443"}, "a.example:443"),
        ({"host": "a.example", "x_forwarded_port": "80"}, None),
        ({"host": "a.example:8443", "x_forwarded_port": "8443"}, None),
        ({"host": "app:7860", "x_forwarded_host": "a.example", "x_forwarded_port": "8080"}, "a.example:8080"),
        ({"host": "app", "x_forwarded_host": "a.example, b", "x_forwarded_port": "8080, 80"}, "a.example:8080"),
        ({"host": "[::1]", "x_forwarded_port": "8080"}, "[::1]:8080"),
        ({"host": "[::1]:9", "x_forwarded_port": "8080"}, None),
        ({"host": "a.example"}, None),
        ({"host": "a.example", "x_forwarded_port": "8080/x"}, None),
        ({"x_forwarded_port": "8080"}, None),
    ],
)
def test_a_port_that_the_host_leaves_out_is_put_in(headers: dict[str, str], host: str | None) -> None:
    assert forwarded(**headers) == host


@contextmanager
def reverse_proxy(target: int, headers: str, path: str = "") -> Iterator[int]:
    """A proxy as nginx is one, on a port of its own, which it gives.

    Args:
        target: port of the app.
        headers: set on every request, as nginx' proxy_set_header does; {port} stands for the proxy's port.
        path: where the app lies; it is taken off.
    """
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            method, address, version = first.split(" ")
            own = headers.format(port=port).split("\n")
            replaced = {line.split(":")[0].lower() for line in own} | {"host", "connection"}
            kept = [line for line in lines if line.split(":")[0].lower() not in replaced]
            inner = address.removeprefix(path) or "/"
            request = [f"{method} {inner} {version}", *kept, *own, "Connection: close", "", ""]
            to_app, from_app = None, None
            from_app, to_app = await asyncio.open_connection("127.0.0.1", target)
            to_app.write("\r\n".join(request).encode("latin-1"))
            await asyncio.gather(_pump(reader, to_app), _pump(from_app, writer, close=True))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield port
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, close: bool = False) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    if close:
        writer.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The app's own port, on loopback."""
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    page = build_app(FakeStudio(), ())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True, **serving())
    yield port
    page.close()
    patch.undo()


# What docs/hosting.md asks of a proxy, and what it must do with ports that are not the usual ones.
HEADERS = {
    "the host with its port": "Host: 127.0.0.1:{port}\nX-Forwarded-Proto: http",
    "host and port apart": "Host: 127.0.0.1\nX-Forwarded-Port: {port}\nX-Forwarded-Proto: http",
    "a forwarded host with its port": "Host: app\nX-Forwarded-Host: 127.0.0.1:{port}\nX-Forwarded-Proto: http",
    "a forwarded host and port": "Host: app\nX-Forwarded-Host: 127.0.0.1\nX-Forwarded-Port: {port}",
}


@pytest.mark.parametrize("name", HEADERS)
def test_behind_a_reverse_proxy_all_addresses_are_its_own(name: str, app: int, clip: Path) -> None:
    with reverse_proxy(app, HEADERS[name]) as port:
        outside = f"http://127.0.0.1:{port}"
        client = Client(outside, verbose=False, download_files=False)
        assert client.config["root"] == outside
        videos, wavs, _, about = client.predict(handle_file(clip), seed=str(2**64 - 1), api_name="/dub")
        assert about["takes"][0]["seed"] == 2**64 - 1
        for file in (*videos, *wavs):
            assert file["url"].startswith(outside + "/")
            with urllib.request.urlopen(file["url"], timeout=60) as answer:
                assert answer.status == 200 and answer.read(4)


def test_behind_tls_on_a_port_of_its_own_addresses_have_both(app: int) -> None:
    with reverse_proxy(app, "Host: a.example\nX-Forwarded-Port: 8443\nX-Forwarded-Proto: https") as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=60) as answer:
            assert json.load(answer)["root"] == "https://a.example:8443"
