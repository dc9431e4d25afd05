"""A reverse proxy of our own, as a class room or a JupyterHub has one: it hands on what lies below one path, nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEADER_LIMIT_BYTES = 64 * 2**10


@contextmanager
def proxy(upstream_port: int, base_path: str, refused: list[str]) -> Iterator[int]:
    """Yields the port on which it listens, on this machine, until the block ends.

    The path and the ``Host`` that the browser asked for stay as they are; sockets and uploads go through.
    upstream_port: of the dashboard · base_path: "/lab"
    refused: gets the target of every request from outside the path, which is answered 404
    """
    handed_on, listening = f"{base_path}/", threading.Event()
    places: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A browser may go away, or open a connection that it never uses; at the end the open ones are cancelled.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _hand_on(reader, writer, upstream_port, handed_on, refused)
        writer.close()

    async def serve() -> None:
        done = asyncio.Event()
        server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=HEADER_LIMIT_BYTES)
        places.append((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), done))
        listening.set()
        await done.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert listening.wait(10)
    port, loop, done = places[0]
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)


async def _hand_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, handed_on: str, refused: list[str]
) -> None:
    """One request; a connection serves no second one, so that the proxy need not know where a body ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    target = head.split(" ", 2)[1]
    if not target.startswith(handed_on):
        refused.append(target)
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return
    if "upgrade: websocket" not in head.lower():
        head = re.sub(r"\r\nconnection:[^\r]*", "", head, flags=re.IGNORECASE)
        head = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
    to_server.write(head.encode("latin-1"))
    to = asyncio.ensure_future(_copy(reader, to_server))
    try:
        await _copy(from_server, writer)
    finally:
        to.cancel()
        to_server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 2**10):
        writer.write(data)
        await writer.drain()
