"""Who a visitor is to the store: a random number in a cookie of this site, with no name, no address, and no other use."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "digit_lab_visitor"
YEAR_SECONDS = 365 * 24 * 3600
_NUMBER = re.compile(r"[0-9a-f]{32}")


def owner() -> str:
    """What is stored with this visitor's runs, 32 hex digits. Whoever reads them in the store can not make the cookie of them.

    A browser that keeps no cookie is a visitor for as long as its session.
    """
    number = str(st.context.cookies.get(COOKIE, ""))
    if not _NUMBER.fullmatch(number):
        number = st.session_state.setdefault("visitor", secrets.token_hex(16))
    return hashlib.sha256(number.encode()).hexdigest()[:32]


class VisitorCookie:
    """Sends the cookie with the page itself to whoever has none, so that it is there before the first button."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import MutableHeaders

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", _new_cookie(is_secure=scope["scheme"] == "https"))
                headers["Cache-Control"] = "private, no-cache"  # nobody between is to give it to another
            await send(message)

        await self._app(scope, receive, send_with_cookie if _lacks_cookie(scope) else send)


def _lacks_cookie(scope: Scope) -> bool:
    """Whether a browser opens a page (it asks for nothing else as HTML) and has no cookie, or none of ours."""
    from starlette.requests import HTTPConnection

    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    connection = HTTPConnection(scope)
    return "text/html" in connection.headers.get("accept", "") and not _NUMBER.fullmatch(
        connection.cookies.get(COOKIE, "")
    )


def _new_cookie(*, is_secure: bool) -> str:
    path = f"/{(st.get_option('server.baseUrlPath') or '').strip('/')}"
    attributes = [f"Path={path}", f"Max-Age={YEAR_SECONDS}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([f"{COOKIE}={secrets.token_hex(16)}", *attributes, *(["Secure"] if is_secure else [])])
