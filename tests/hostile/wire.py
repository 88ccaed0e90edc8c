"""What a hostile server does to a connection and to HTTP, beside what `tests.live.hostile` has. One handler each."""

from __future__ import annotations

import asyncio
import zlib
from itertools import count

from tests.live.hostile import Handler, Request

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def raw(*pieces: bytes, close: bool = True) -> Handler:
    """Exactly these bytes, whatever they are."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return handle


def for_ever(head: bytes, piece: bytes, every: float = 0.0) -> Handler:
    """The head, and then this piece again and again; `every` so many seconds, or as fast as it goes."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return handle


async def new_redirects(request: Request, writer: asyncio.StreamWriter) -> None:
    """Leads from each address to a new one, so that no circle is ever seen."""
    number = int(request.path.rpartition("-")[2]) if "-" in request.path else 0
    writer.write(f"HTTP/1.1 302 X\r\nlocation: /discover?n-{number + 1}\r\ncontent-length: 0\r\n\r\n".encode())
    await writer.drain()


async def many_headers(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Small headers without end, as fast as it goes."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in count():
        writer.write(b"".join(b"x-%d-%d: y\r\n" % (number, place) for place in range(1000)))
        await writer.drain()


async def says_nothing(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Breaks the connection where an answer was due."""
    writer.transport.abort()


def deflate_bomb(megabytes: int = 200) -> bytes:
    """A body that unpacks to very much more."""
    packer = zlib.compressobj(9)
    chunk = b" " * 1024 * 1024
    return b"".join(packer.compress(chunk) for _ in range(megabytes)) + packer.flush()
