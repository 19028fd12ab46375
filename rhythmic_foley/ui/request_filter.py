"""What may come in from the outside, in front of Gradio: bounded requests to the few addresses that the page uses.

Gradio serves more than this page needs. Its screen recorder would give any file to whatever ffmpeg is installed, which
opens playlists and addresses, and any client may have it download a file from another host.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rhythmic_foley.errors import MALFORMED
from rhythmic_foley.ui.network import with_forwarded_port
from rhythmic_foley.ui.visitor_space import FULL, NO_ROOM, is_full
from rhythmic_foley.values.limits import MAX_JSON_MB, MAX_UPLOAD_MB

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = ("GET", "HEAD", "OPTIONS")
_UPLOAD = re.compile(r"/upload/?$")
_OTHERS = re.compile(r"/(queue/join|cancel|reset|login|component_server|(run|api|call)(/v2)?/\w+)/?$")
_AROUND_A_FILE = 1_000_000  # bytes of a request that are not the file itself


class Gate:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, has_room: Callable[[], bool] = lambda: True) -> None:
        """Take what lies behind, and what tells whether there is disk space for an upload."""
        self._app = app
        self._has_room = has_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it with one sentence."""
        if scope["type"] == "http":
            scope = with_forwarded_port(scope)
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
        elif _UPLOAD.search(scope["path"]):
            await self._upload(scope, receive, send)
        elif _OTHERS.search(scope["path"]):
            await self._call(scope, receive, send)
        else:
            await _refuse(send, 404, "There is nothing here.")

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts the bytes of all files together as they come."""
        left = MAX_UPLOAD_MB * 1024**2 + _AROUND_A_FILE
        too_large = f"Files of up to {MAX_UPLOAD_MB} MB can be uploaded."
        if _declared(scope) > left:
            await _refuse(send, 413, too_large)
            return
        if not await asyncio.to_thread(self._has_room):
            await _refuse(send, 507, NO_ROOM)
            return

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            return message if left >= 0 else {"type": "http.disconnect"}

        try:
            await self._app(scope, counted, send)
        except OSError as error:
            if not is_full(error):
                raise
            await _refuse(send, 507, FULL)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reads a whole request, which is small, and looks at the files that it names."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if max(len(body), _declared(scope)) > MAX_JSON_MB * 1_000_000:
                await _refuse(send, 413, f"A request may be up to {MAX_JSON_MB} MB large.")
                return
            if not message.get("more_body"):
                break
        if _names_an_address(body):
            await _refuse(send, 400, "Upload the file; files are not fetched from addresses.")
            return
        await self._app(scope, _once(body, receive), send)


def _once(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever still comes."""
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})


def _declared(scope: Scope) -> int:
    """The length that the request says it has."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() and len(length) < 20 else 0


def _names_an_address(body: bytes) -> bool:
    """Whether a file in a request lies on another host. What is no JSON names nothing."""
    try:
        return _found(json.loads(body))
    except MALFORMED:
        return False


def _found(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_found, value))
    if not isinstance(value, dict):
        return False
    path = value.get("path")
    return isinstance(path, str) and "://" in path or any(map(_found, value.values()))
