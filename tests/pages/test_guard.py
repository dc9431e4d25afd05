"""What is refused before Streamlit hears of it, and the headers on its answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pages.shared import guard, uploads
from pages.shared.guard import Guard, is_foreign

MB = uploads.MEGABYTE


def ask(status: int = 204, kind: str = "http", method: str = "GET", path: str = "/", **headers: str) -> list[Any]:
    """What the browser gets when Streamlit would answer with that status; "passed on" where it was asked at all."""
    sent: list[Any] = []

    async def streamlit(_scope: Any, _receive: Any, send: Any) -> None:
        sent.append("passed on")
        if kind == "http":
            await send({"type": "http.response.start", "status": status, "headers": [(b"X-Frame-Options", b"DENY")]})

    async def send(message: Any) -> None:
        sent.append(message)

    names = {"content_length": "content-length"}
    pairs = [(names.get(name, name).encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": pairs}
    asyncio.run(Guard(streamlit)(scope, None, send))
    return sent


def put(file_id: str, megabytes: float, *, visit: str = "v", status: int = 204) -> tuple[int, str]:
    path = f"/lab/_stcore/upload_file/{visit}/{file_id}"
    sent = ask(status, method="PUT", path=path, content_length=str(int(megabytes * MB)))
    start = next(message for message in sent if message != "passed on")
    return start["status"], sent[-1].get("body", b"").decode()


def test_the_uploads_of_a_visit_have_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [put(f"f{number}", 95)[0] for number in range(12)] == [204, 204] + [413] * 10
    _, reason = put("f2", 95)
    assert "This file has 95.0 MB, and 190.0 MB were uploaded" in reason
    assert "200 MB" in reason
    assert put("f2", 95, visit="other")[0] == 204, "another visit has a sum of its own"
    assert put("f0", 1)[0] == 413, "what is counted with 95 MB can not be counted with 1"
    path = "/_stcore/upload_file/v/f0"
    ask(403, method="DELETE", path=path)
    assert put("f2", 95)[0] == 413, "Streamlit did not remove it"
    ask(204, method="DELETE", path=path)
    assert put("f2", 95)[0] == 204
    monkeypatch.setenv("DIGIT_LAB_MAX_UPLOAD_MB", "300")
    assert [put("f3", 95)[0], put("f4", 95)[0]] == [204, 413]


def test_an_upload_that_did_not_arrive_is_not_counted() -> None:
    assert [put("refused", 150, status=status)[0] for status in (403, 400, 413)] == [403, 400, 413]
    assert put("whole", 150)[0] == 204
    path = "/_stcore/upload_file/v/endless"
    assert ask(method="PUT", path=path)[0]["status"] == 411, "one that does not say how long it is"


@pytest.mark.parametrize(
    ("origin", "host", "foreign"),
    [(None, "localhost:8501", False), ("http://localhost:8501", "localhost:8501", False),
     ("http://LOCALHOST:8501", "localhost:8501", False), ("http://127.0.0.1:8501", "localhost:8501", False),
     ("http://localhost:9000", "localhost:8501", True), ("http://127.0.0.1:9000", "localhost:8501", True),
     ("http://localhost", "localhost:8501", True), ("http://[::1]:9000", "localhost:8501", True),
     ("http://localhost:99999999", "localhost:8501", True), ("http://localhost:7000", "localhost:8501", False),
     ("https://lab.example", "lab.example", False), ("https://evil.example", "lab.example", False)],
)  # fmt: skip
def test_another_server_on_this_machine_is_foreign(
    origin: str | None, host: str, foreign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"server.port": 8501, "server.corsAllowedOrigins": ["http://localhost:7000"]}
    monkeypatch.setattr(guard.st, "get_option", options.__getitem__)
    assert is_foreign(origin, host) == foreign  # Streamlit refuses the last one itself
    if origin and foreign:
        assert ask(kind="websocket", origin=origin, host=host) == [{"type": "websocket.close", "code": 1008}]
        assert ask(origin=origin, host=host)[0]["status"] == 403
    elif origin:
        assert ask(kind="websocket", origin=origin, host=host) == ["passed on"]


def test_every_answer_carries_the_headers_and_keeps_stricter_ones() -> None:
    _, start = ask(200)
    headers = {name.lower(): value for name, value in start["headers"]}
    assert headers[b"content-security-policy"] == b"frame-ancestors 'self'"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
    assert len(start["headers"]) == 3
