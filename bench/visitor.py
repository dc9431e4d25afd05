"""A visitor without a browser: Streamlit's websocket protocol, as far as watching a page needs it.

After ``arrive`` the page's whole script has run; ``tick`` asks for the fragment that the page's timer would ask for and
returns when the server says that it has ended. As a browser does, a visitor tells the server which large messages it still
holds, so that what did not change is not sent again; what a browser does with a message (drawing it) is left out.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PATIENCE = 60.0  # seconds for one script
ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass
class Visitor:
    """One open page. ``every``: seconds between two ticks, as the page asked for; 0 when it asked for none."""

    socket: ClientConnection
    query: str
    page: str = ""
    fragment: str = ""
    every: float = 0.0
    held: dict[str, int] = field(default_factory=dict)  # hash of a message -> the script run that last used it
    n_runs: int = 0

    @classmethod
    async def arrive(cls, url: str, page_name: str, query: str) -> Self:
        """Connect and open a page by its address. Raises OSError, RuntimeError."""
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        socket = await connect(
            address, subprotocols=[Subprotocol("streamlit")], additional_headers={"Origin": url}, max_size=None
        )
        visitor = cls(socket, query)
        await visitor._run(ClientState(query_string=query, page_name=page_name))
        return visitor

    async def tick(self) -> float:
        """One look of the page's timer; milliseconds until its script has ended. Raises RuntimeError."""
        return await self._run(
            ClientState(
                query_string=self.query, page_script_hash=self.page, fragment_id=self.fragment, is_auto_rerun=True,
                cached_message_hashes=list(self.held),
            )
        )  # fmt: skip

    async def watch(self, seconds: float, phase: float) -> list[float]:
        """Tick as often as the page asks for, the first time after ``phase`` of an interval; milliseconds of each tick.

        A tick that takes longer than the interval delays the next one, as in a browser. Raises RuntimeError.
        """
        if not self.every:
            raise RuntimeError("the page asked for no ticks: is the run still training?")
        began, took = time.monotonic(), list[float]()
        due = began + phase * self.every
        while due < began + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            took.append(await self.tick())
            due = max(due + self.every, time.monotonic())
        return took

    async def leave(self) -> None:
        """Close the page."""
        await self.socket.close()

    async def _run(self, request: ClientState) -> float:
        """Milliseconds from a request until the script that it started has ended, with any rerun that this asked for."""
        began = time.perf_counter()
        self.n_runs += 1
        await self.socket.send(BackMsg(rerun_script=request).SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not self._take(ForwardMsg.FromString(await self._receive())):
                pass
        took = (time.perf_counter() - began) * 1000
        # A browser forgets what two script runs in a row have not used.
        self.held = {name: last for name, last in self.held.items() if self.n_runs - last < 2}
        return took

    async def _receive(self) -> bytes:
        message = await self.socket.recv()
        return message if isinstance(message, bytes) else message.encode()

    def _take(self, message: ForwardMsg) -> bool:
        """Note what a browser would; whether the script has ended. Raises RuntimeError when it failed."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            self.held[message.ref_hash] = self.n_runs
        elif message.metadata.cacheable:
            self.held[message.hash] = self.n_runs
        if kind == "new_session":
            self.page = message.new_session.page_script_hash
        elif kind == "auto_rerun":
            self.fragment, self.every = message.auto_rerun.fragment_id, message.auto_rerun.interval
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            raise RuntimeError(f"the page shows an error: {message.delta.new_element.exception.message}")
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise RuntimeError("the page's script does not compile")
        return kind == "script_finished" and message.script_finished in ENDED
