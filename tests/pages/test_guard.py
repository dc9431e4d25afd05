"""What is refused before Streamlit hears of it, and the headers on its answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.shared import guard, uploads
from pages.shared.guard import Guard, is_foreign
from tests.pages.conftest import OpenPage, Train

MB = uploads.MEGABYTE


def ask(
    status: int = 204, kind: str = "http", method: str = "GET", path: str = "/", body: tuple[bytes, ...] = (), **headers: str
) -> list[Any]:  # fmt: skip
    """What the browser gets when Streamlit would answer with that status; "passed on" where it was asked at all, "taken" for
    each part of the body that was taken from the connection meanwhile."""
    sent: list[Any] = []
    parts = list(body)

    async def receive() -> Any:
        sent.append("taken")
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def streamlit(_scope: Any, _receive: Any, send: Any) -> None:
        sent.append("passed on")
        if kind == "http":
            await send({"type": "http.response.start", "status": status, "headers": [(b"X-Frame-Options", b"DENY")]})

    async def send(message: Any) -> None:
        sent.append(message)

    names = {"content_length": "content-length"}
    pairs = [(names.get(name, name).encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": pairs}
    asyncio.run(Guard(streamlit)(scope, receive, send))
    return sent


def put(file_id: str, megabytes: float, *, visit: str = "v", status: int = 204) -> int | str:
    """The answer's status where the upload came to Streamlit, else why it was refused."""
    path = f"/lab/_stcore/upload_file/{visit}/{file_id}"
    sent = ask(status, method="PUT", path=path, body=(b"a", b"b"), content_length=str(int(megabytes * MB)))
    if "passed on" in sent:
        return next(message["status"] for message in sent if isinstance(message, dict))
    assert sent[:2] == ["taken", "taken"], "the browser sends all of it before it looks at the answer"
    assert [message.get("status") for message in sent[2:]] == [204, None], (
        "else its field says 413, and the page nothing"
    )
    return uploads.uploads().refusal(visit, file_id)


def test_the_uploads_of_a_visit_have_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [put(f"f{number}", 95) for number in range(2)] == [204, 204]
    reasons = [str(put(f"f{number}", 95)) for number in range(2, 12)]
    assert all("it has 95.0 MB, and 190.0 MB were uploaded in this visit before" in reason for reason in reasons)
    assert all("200 MB" in reason for reason in reasons)
    assert uploads.uploads().refusal("v", "f2") == "", "only the last one is remembered"
    assert put("f2", 95, visit="other") == 204, "another visit has a sum of its own"
    assert put("f0", 1) == "This file was uploaded already.", "what is counted with 95 MB can not be counted with 1"
    path = "/_stcore/upload_file/v/f0"
    ask(403, method="DELETE", path=path)
    assert put("f2", 95) != 204, "Streamlit did not remove it"
    ask(204, method="DELETE", path=path)
    assert put("f2", 95) == 204
    monkeypatch.setenv("DIGIT_LAB_MAX_UPLOAD_MB", "300")
    assert [put("f3", 95), put("f4", 95) == 204] == [204, False]
    monkeypatch.setenv("DIGIT_LAB_MAX_UPLOAD_MB", "5")
    assert (
        put("f", 20, visit="new")
        == "This file was not kept: it has 20.0 MB, more than the 5 MB that one visit may upload."
    )


@pytest.mark.parametrize("page", ["draw", "data"])
def test_a_page_says_why_a_file_was_not_kept(
    page: str, open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept_nothing(_self: object, session_id: str, file_ids: list[str]) -> list[UploadedFileRec]:
        for file_id in file_ids:  # as the guard has answered
            uploads.uploads().add(session_id, file_id, 201 * MB)
        return []

    monkeypatch.setattr(MemoryUploadedFileManager, "get_files", kept_nothing)
    if page == "draw":
        train()
    at = open_page(f"pages/{'lab' if page == 'draw' else 'learn'}/{page}/page.py")
    if page == "draw":
        at.button_group(key="draw_source").set_value("file").run()
        assert "At most 20 MB a picture and 200 MB a visit." in [caption.value for caption in at.caption]
    assert not at.error
    at.file_uploader[0].upload("train.csv" if page == "data" else "seven.png", b"1").run()
    (error,) = at.error
    assert error.value.replace("\\", "") == (
        "This file was not kept: it has 201.0 MB, more than the 200 MB that one visit may upload."
    )
    assert not at.exception


def test_a_file_that_no_field_sends_is_refused_before_it_comes() -> None:
    sent = ask(method="PUT", path="/_stcore/upload_file/v/f", content_length=str(106 * MB))
    assert [message["status"] for message in sent if "status" in message] == [413]


def test_an_upload_that_did_not_arrive_is_not_counted() -> None:
    assert [put("refused", 95, status=status) for status in (403, 400, 413)] == [403, 400, 413]
    assert [put(name, 95) for name in ("one", "two")] == [204, 204], "all of what a visit may upload was left"
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
