"""A visitor without a browser: Streamlit's websocket protocol to open a page, then a look a second at what trains.

After ``arrive`` the page's whole script has run and its connection stays open, as a browser's does; ``watch`` asks, over a
connection that is kept too, for what ``assets/watch.js`` asks for. What a browser does with it (drawing) is left out.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

SCRIPT_TIMEOUT_SECONDS = 60.0
REQUEST = (
    "GET /{address} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en\r\nReferer: {url}/train\r\nUser-Agent: Mozilla/5.0 (bench.visitor)\r\n\r\n"
)


@dataclass
class Visitor:
    """One open page. address, every: what the page's moving part asks for, and how often, in seconds; "" and 0 when
    nothing moves"""

    socket: ClientConnection
    url: str
    address: str = ""
    every: float = 0.0

    @classmethod
    async def arrive(cls, url: str, page_name: str, query: str) -> Self:
        """Connect and open a page by its address. Raises OSError, RuntimeError."""
        stream = url.replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(
            stream, subprotocols=[Subprotocol("streamlit")], additional_headers={"Origin": url}, max_size=None
        )
        visitor = cls(socket, url)
        opened = BackMsg(rerun_script=ClientState(query_string=query, page_name=page_name))
        await socket.send(opened.SerializeToString())
        async with asyncio.timeout(SCRIPT_TIMEOUT_SECONDS):
            while not visitor._take(ForwardMsg.FromString(await visitor._receive())):
                pass
        return visitor

    async def watch(self, seconds: float, phase: float) -> list[float]:
        """Look as often as the page does, the first time after ``phase`` of an interval; milliseconds of each look.

        A look that takes longer than the interval delays the next one, as in a browser. Raises OSError, RuntimeError.
        """
        if not self.address:
            raise RuntimeError("nothing on the page moves: is the run still training?")
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        request = REQUEST.format(address=self.address, host=place.netloc, url=self.url).encode()
        began, took = time.monotonic(), list[float]()
        due = began + phase * self.every
        while due < began + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            at = time.perf_counter()
            writer.write(request)
            async with asyncio.timeout(SCRIPT_TIMEOUT_SECONDS):
                await _answer(reader)
            took.append((time.perf_counter() - at) * 1000)
            due = max(due + self.every, time.monotonic())
        writer.close()
        return took

    async def leave(self) -> None:
        """Close the page."""
        await self.socket.close()

    async def _receive(self) -> bytes:
        message = await self.socket.recv()
        return message if isinstance(message, bytes) else message.encode()

    def _take(self, message: ForwardMsg) -> bool:
        """Note what moves; whether the script has ended. Raises RuntimeError when it failed."""
        kind = message.WhichOneof("type")
        element = message.delta.new_element if kind == "delta" else None
        if element and element.WhichOneof("type") == "exception":
            raise RuntimeError(f"the page shows an error: {element.exception.message}")
        if element and element.WhichOneof("type") == "bidi_component":
            values = json.loads(element.bidi_component.json or "{}")
            if values.get("live"):
                self.address, self.every = values["address"], values["every"] / 1000
        if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise RuntimeError("the page's script does not compile")
        return kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """The body of one answer. Raises RuntimeError when it is no good one."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((line for line in head.splitlines() if line.startswith("content-length:")), "content-length: 0")
    body = await reader.readexactly(int(length.split(":")[1]))
    if " 200 " not in head.splitlines()[0]:
        raise RuntimeError(
            f"the server answers a look with {head.splitlines()[0]}: {body[:200].decode(errors='replace')}"
        )
    return body
