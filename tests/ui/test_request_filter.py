"""The gate: what the page needs comes through unchanged, the rest is answered with one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from rhythmic_foley.ui.request_filter import Gate
from rhythmic_foley.values.limits import MAX_JSON_MB, MAX_UPLOAD_MB

API = "/gradio_api"


def ask(path: str, parts: Sequence[bytes] = (b"{}",), method: str = "POST", length: int | None = None) -> tuple:
    """Status and body of the answer. Behind the gate is an app that answers with what it was sent."""
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    waiting = [{"type": "http.request", "body": part, "more_body": i + 1 < len(parts)} for i, part in enumerate(parts)]
    sent = []

    async def receive() -> dict:
        return waiting.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    async def echo(scope: dict, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("cut off")
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(Gate(echo)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    "path", ["/queue/join", "/call/dub", "/call/v2/dub", "/run/dub", "/api/dub", "/cancel", "/reset", "/upload"]
)
@pytest.mark.parametrize("prefix", [API, f"/foley{API}"])
def test_what_the_page_and_programs_use_comes_through(prefix: str, path: str) -> None:
    assert ask(prefix + path, (b'{"data": ', b"[1]}")) == (200, '{"data": [1]}')
    assert ask("/anything", (b"",), method="GET") == (200, "")


@pytest.mark.parametrize("path", ["/process_recording", "/vibe-edit", "/vibe-code/", "/run-history/connect", "/dev/x"])
def test_gradios_other_doors_are_shut(path: str) -> None:
    assert ask(API + path) == (404, "There is nothing here.")


@pytest.mark.parametrize("address", ["http://169.254.169.254/x", "https://host/a.mp4", "file:///etc/passwd"])
def test_no_file_is_fetched_from_an_address(address: str) -> None:
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    for body in ({"data": [file]}, {"data": [{"deep": [[file]]}]}):
        assert ask(f"{API}/queue/join", (json.dumps(body).encode(),)) == (
            400,
            "Upload the file; files are not fetched from addresses.",
        )
    uploaded = {"path": "/tmp/gradio/a.mp4", "url": "http://127.0.0.1:7860/file=a.mp4", "text": address}
    assert ask(f"{API}/queue/join", (json.dumps({"data": [uploaded]}).encode(),))[0] == 200


def test_requests_are_bounded() -> None:
    too_large = (413, f"A request may be up to {MAX_JSON_MB} MB large.")
    half = b" " * (MAX_JSON_MB * 500_000 + 1)
    assert ask(f"{API}/queue/join", (half, half)) == too_large
    assert ask(f"{API}/queue/join", length=10**12) == too_large
    assert ask(f"{API}/queue/join", (b"[" * 1_000_000,))[0] == 200  # no JSON, which Gradio says itself


def test_uploads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(f"{API}/upload", length=10**9) == (413, f"Files of up to {MAX_UPLOAD_MB} MB can be uploaded.")
    monkeypatch.setattr("rhythmic_foley.ui.request_filter.MAX_UPLOAD_MB", 1)
    million = b" " * 1_000_000
    assert ask(f"{API}/upload", (million, million))[0] == 200
    with pytest.raises(ConnectionError, match="cut off"):  # a request that does not say how long it is
        ask(f"{API}/upload", (million, million, million))
