"""How the app is reached: directly by itself, through a proxy by others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

_SELF = ("localhost", "127.0.0.1", "::1")


def reach_self_directly(server_name: str | None) -> None:
    """Keep the process from asking an outgoing proxy (HTTP_PROXY) for its own page, as Gradio does when it starts.

    Args:
        server_name: the address that the app listens on, if it is named.
    """
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if named.strip() == "*":
        return
    own = [*_SELF, (server_name or os.environ.get("GRADIO_SERVER_NAME", "")).strip("[]")]
    hosts = dict.fromkeys(host.strip() for host in (*named.split(","), *own) if host.strip())
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(hosts)


def with_forwarded_port(scope: Scope) -> Scope:
    """A request with the port of X-Forwarded-Port in its X-Forwarded-Host.

    Gradio takes addresses of media from X-Forwarded-Host, or else from Host. Proxies that leave the port out of both,
    such as nginx with `Host $host`, name it in X-Forwarded-Port.
    """
    headers = dict(scope["headers"])
    port = _first(headers.get(b"x-forwarded-port"))
    host = _first(headers.get(b"x-forwarded-host")) or _first(headers.get(b"host"))
    usual = b"443" if _first(headers.get(b"x-forwarded-proto")) == b"https" else b"80"
    if not port.isdigit() or len(port) > 5 or not host or _has_port(host) or port == usual:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"x-forwarded-host"]
    return {**scope, "headers": [*others, (b"x-forwarded-host", host + b":" + port)]}


def _first(value: bytes | None) -> bytes:
    """Of the values that several proxies wrote, the one of the outermost."""
    return (value or b"").split(b",")[0].strip()


def _has_port(host: bytes) -> bool:
    return b":" in host.rpartition(b"]")[2]
