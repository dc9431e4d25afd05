"""What stands before Streamlit's own answers: no other page in a browser talks to this server or frames it, and no visit
fills its memory with uploads."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from pages.shared.uploads import uploads

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOAD = re.compile(r"/_stcore/upload_file/(?P<visit>[^/]+)/(?P<file_id>[^/]+)$")
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared with, nothing is bound
MAX_UPLOAD_OVERHEAD_BYTES = 64 * 2**10  # of a form around its file
HEADERS = MappingProxyType({  # on every answer that does not say it more strictly
    b"content-security-policy": b"frame-ancestors 'self'", b"x-frame-options": b"SAMEORIGIN",
    b"x-content-type-options": b"nosniff",
})  # fmt: skip


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a handshake: refuse it, or pass it on."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if is_foreign(headers.get(b"origin"), headers.get(b"host", "")):
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1008})
            return await _refuse(send, 403, "Another page may not use this server.")
        if scope["type"] == "websocket":
            return await self.app(scope, receive, send)
        upload = UPLOAD.search(scope["path"])
        if upload and scope["method"] in ("PUT", "DELETE"):
            return await self._upload(upload["visit"], upload["file_id"], scope, receive, send)
        return await self.app(scope, receive, _with_headers(send))

    async def _upload(self, visit: str, file_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        is_put, done = scope["method"] == "PUT", False
        if is_put:
            length = dict(scope["headers"]).get(b"content-length", b"")
            if not length.isdigit():
                return await _refuse(send, 411, "An upload has to say how long it is.")
            if int(length) > MAX_UPLOAD_OVERHEAD_BYTES + st.get_option("server.maxUploadSize") * 2**20:
                return await _refuse(send, 413, "This file is larger than this server takes.")
            if uploads().add(visit, file_id, int(length)):
                return await _let_go(int(length), receive, send)

        async def note(message: Message) -> None:
            nonlocal done
            if message["type"] == "http.response.start":
                done = message["status"] < 300
            await send(message)

        try:
            await self.app(scope, receive, _with_headers(note))
        finally:
            if done != is_put:  # refused by Streamlit or broken off; or removed
                uploads().remove(visit, file_id)


def is_foreign(origin: str | None, host: str) -> bool:
    """Whether a request comes from a page that another server on this machine sent.

    Streamlit takes every port of localhost for its own, and refuses other foreign origins itself.
    origin, host: the headers of the request; browsers send the first with whatever one page asks of another
    """
    if not origin or origin in (st.get_option("server.corsAllowedOrigins") or ()):
        return False
    try:
        address = urlsplit(origin)
        is_ours = address.netloc.lower() == host.lower() or address.port == st.get_option("server.port")
    except ValueError:
        return True
    return address.hostname in THIS_MACHINE and not is_ours


async def _let_go(n_bytes: int, receive: Receive, send: Send) -> None:
    """Take a file, keep nothing of it, and say that it came: the browser's field would show a number for a refusal and the
    page would not be drawn, which knows the reason."""
    while n_bytes > 0:
        message = await receive()
        n_bytes -= len(message.get("body", b""))
        if not message.get("more_body"):  # also when the browser is gone
            break
    await send({"type": "http.response.start", "status": 204, "headers": [*HEADERS.items()]})
    await send({"type": "http.response.body", "body": b""})


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in HEADERS.items() if pair[0] not in sent)]
        await send(message)

    return send_with_headers


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})
