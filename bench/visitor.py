"""A visitor without a browser: Streamlit's websocket protocol to open pages and act on them, and a look a second.

After ``arrive`` the page's whole script has run and its connection stays open, as a browser's does; ``watch`` asks, over a
connection that is kept too, for what ``assets/watch.js`` asks for. What a browser does with it (drawing) is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

SCRIPT_TIMEOUT_SECONDS = 60.0
REST_SECONDS = 4.0  # after which a kept connection is not trusted to be open
RERUN_SECONDS = 2.0  # until a page is asked once more to draw itself anew, as in ``assets/watch.js``
REQUEST = (
    "GET /{address} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en\r\nReferer: {url}/train\r\nUser-Agent: Mozilla/5.0 (bench.visitor)\r\n\r\n"
)
STATUSES = re.compile(rb'"statuses": (\{[^}]*\})')
UNENDED = ("queued", "running", "stopping")
ENDS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Moving(NamedTuple):
    """A part that moves: what it asks for, how often in seconds, the statuses that the page knows, the fragment it stands in"""

    address: str
    every: float
    statuses: dict[str, Any] | None
    fragment: str

    @property
    def goes_on(self) -> bool:
        """Whether one of its runs has not ended."""
        return any(status in UNENDED for status in (self.statuses or {}).values())


class TooOftenError(RuntimeError):
    """The server answers 429."""


@dataclass
class Visitor:
    """One open page.

    moving: the part of it that moves, None when nothing does; of several in one place one that has not ended
    widgets: id -> the fragment that it stands in, "" for the whole page
    refused: looks that came too often
    repeated: the fragments that the page draws anew by itself · words: the texts of the last run of its script or of a part
    metrics: label -> value of its large numbers · redrawn: milliseconds of each time that it drew itself anew
    """

    socket: ClientConnection
    url: str
    query: str = ""
    page_hash: str = ""
    moving: Moving | None = None
    widgets: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    repeated: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    metrics: dict[str, str] = field(default_factory=dict)
    redrawn: list[float] = field(default_factory=list)
    _script: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def arrive(cls, url: str, page_name: str, query: str, cookie: str = "") -> Self:
        """Connect and open a page by its address. cookie: of the visitor. Raises OSError, RuntimeError."""
        stream = url.replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(
            stream,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            additional_headers={"Origin": url, **({"Cookie": cookie} if cookie else {})},
        )
        visitor = cls(socket, url)
        await visitor.open(page_name, query)
        return visitor

    async def open(self, page_name: str, query: str) -> float:
        """Open another page by its address; milliseconds until its script has ended. Raises OSError, RuntimeError."""
        return await self._run(ClientState(query_string=query, page_name=page_name))

    async def press(self, key: str) -> float:
        """Press a button by its key. Raises OSError, RuntimeError, KeyError for one that is not there."""
        return await self._change(WidgetState(id=self._widget(key), trigger_value=True))

    async def fill(self, texts: Mapping[str, str], press: str = "") -> float:
        """Choose an option or type a line, by the key of each field, and press a button with it, as a browser sends all that it
        holds. Raises as ``press`` does."""
        states = [WidgetState(id=self._widget(key), string_value=text) for key, text in texts.items()]
        states += [WidgetState(id=self._widget(press), trigger_value=True)] if press else []
        return await self._run(ClientState(widget_states=WidgetStates(widgets=states)))

    async def redraw(self) -> float:
        """Let the part that the page draws anew by itself be drawn; milliseconds. Raises OSError, RuntimeError, IndexError when
        there is none."""
        return await self._run(ClientState(fragment_id=self.repeated[-1]))

    def has(self, key: str) -> bool:
        """Whether a widget of this key was drawn."""
        return any(name.endswith(f"-{key}") for name in self.widgets)

    async def send(self, key: str, values: dict[str, Any]) -> float:
        """What a component says of itself, such as a drawing. Raises as ``press`` does."""
        return await self._change(WidgetState(id=self._widget(key), json_value=json.dumps(values)))

    async def watch(self, seconds: float, phase: float) -> list[float]:
        """Look as often as the page does, the first time after ``phase`` of an interval; milliseconds of each look.

        A look that takes longer than the interval delays the next one, as in a browser. Raises OSError, RuntimeError.
        """
        if self.moving is None:
            raise RuntimeError("nothing on the page moves: is the run still training?")
        began, took, every = time.monotonic(), list[float](), self.moving.every
        due = began + phase * every
        async with self._asking() as ask:
            while due < began + seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                took.append((await ask(self.moving.address))[0])
                due = max(due + every, time.monotonic())
        return took

    async def hurry(self, seconds: float) -> list[float]:
        """Ask without a pause, as no page does; milliseconds of each look that was answered, ``refused`` counts the others.

        Raises OSError, RuntimeError.
        """
        if self.moving is None:
            raise RuntimeError("nothing on the page moves: is the run still training?")
        until, took = time.monotonic() + seconds, list[float]()
        async with self._asking() as ask:
            while time.monotonic() < until:
                try:
                    took.append((await ask(self.moving.address))[0])
                except TooOftenError:
                    self.refused += 1
        return took

    async def follow(self, seconds: float, took: list[float]) -> None:
        """Look at whatever moves on the page that is open, and let the page draw itself anew where a status has changed, as a
        browser does; milliseconds of each look are added to ``took``. Raises OSError, RuntimeError."""
        until, asked_at = time.monotonic() + seconds, 0.0
        async with self._asking() as ask:
            while (began := time.monotonic()) < until:
                moving = self.moving
                if moving is None:
                    await asyncio.sleep(0.2)
                    continue
                milliseconds, body = await ask(moving.address)
                took.append(milliseconds)
                match = STATUSES.search(gzip.decompress(body)) if body else None
                statuses = json.loads(match[1]) if match else None
                is_other = moving.statuses is not None and statuses != moving.statuses
                if is_other and began - asked_at > RERUN_SECONDS:
                    asked_at = began
                    self.redrawn.append(await self._run(ClientState(fragment_id=moving.fragment), only_if=moving))
                await asyncio.sleep(max(0.0, moving.every - (time.monotonic() - began)))

    async def leave(self) -> None:
        """Close the page."""
        await self.socket.close()

    def _widget(self, key: str) -> str:
        return next(name for name in reversed(self.widgets) if name.endswith(f"-{key}"))

    async def _change(self, state: WidgetState) -> float:
        return await self._run(
            ClientState(widget_states=WidgetStates(widgets=[state]), fragment_id=self.widgets[state.id])
        )

    async def _run(self, state: ClientState, only_if: Moving | None = None) -> float:
        """Run the page's script and take all that it sends; milliseconds. only_if: for a part, as long as it stands"""
        async with self._script, asyncio.timeout(SCRIPT_TIMEOUT_SECONDS):
            if only_if is not None and only_if is not self.moving:
                return 0.0
            began = time.perf_counter()
            self.words.clear()
            if state.page_name:
                self.query, self.moving = state.query_string, None
                self.widgets.clear()
                self.repeated.clear()
            else:
                state.query_string, state.page_script_hash = self.query, self.page_hash
            await self.socket.send(BackMsg(rerun_script=state).SerializeToString())
            while not self._take(ForwardMsg.FromString(await self._receive())):
                pass
            return (time.perf_counter() - began) * 1000

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[Any]:
        """A function that asks for an address and returns milliseconds and the body, b"" for a run that is gone.

        A connection that has rested for a while is made anew, as a browser does: servers close those after five seconds.
        """
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        asked_at = time.monotonic()

        async def ask(address: str) -> tuple[float, bytes]:
            nonlocal reader, writer, asked_at
            at = time.perf_counter()
            if time.monotonic() - asked_at > REST_SECONDS:
                writer.close()
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(REQUEST.format(address=address, host=place.netloc, url=self.url).encode())
            async with asyncio.timeout(SCRIPT_TIMEOUT_SECONDS):
                body = await _answer(reader)
            asked_at = time.monotonic()
            return (time.perf_counter() - at) * 1000, body

        try:
            yield ask
        finally:
            writer.close()

    async def _receive(self) -> bytes:
        message = await self.socket.recv()
        return message if isinstance(message, bytes) else message.encode()

    def _take(self, message: ForwardMsg) -> bool:
        """Note what moves and what can be acted on; whether the script has ended. Raises RuntimeError when it failed."""
        kind = message.WhichOneof("type")
        if kind == "navigation":  # a new session has the hash of the frame, which would be drawn anew with Home inside
            self.page_hash = message.navigation.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._take_element(message.delta.new_element, message.delta.fragment_id)
        elif kind == "auto_rerun":
            self.repeated.append(message.auto_rerun.fragment_id)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise RuntimeError("the page's script does not compile")
        return kind == "script_finished" and message.script_finished in ENDS

    def _take_element(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(f"the page shows an error: {element.exception.message}")
        if kind == "markdown":
            self.words.append(element.markdown.body)
        if kind == "metric":
            self.metrics[element.metric.label] = element.metric.body
        if identity := getattr(getattr(element, kind), "id", ""):
            self.widgets.pop(identity, None)
            self.widgets[identity] = fragment
        if kind == "bidi_component":
            values = json.loads(element.bidi_component.json or "{}")
            if "snapshot" in values and values["live"]:
                statuses = values["snapshot"].get("statuses")
                moving = Moving(values["address"], values["every"] / 1000, statuses, fragment)
                if self.moving is None or self.moving.fragment != fragment or moving.goes_on:
                    self.moving = moving


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """The body of one answer, b"" for "not there". Raises TooOftenError, RuntimeError when it is no good one."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((line for line in head.splitlines() if line.startswith("content-length:")), "content-length: 0")
    body = await reader.readexactly(int(length.split(":")[1]))
    status = head.splitlines()[0]
    if " 404 " in status:
        return b""
    if " 429 " in status:
        raise TooOftenError(f"the server answers a look with {status}")
    if " 200 " not in status:
        raise RuntimeError(f"the server answers a look with {status}: {body[:200].decode(errors='replace')}")
    return body
