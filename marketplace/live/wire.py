"""HTTP/1.1 as the door needs it: one GET after the other over kept connections, each bounded in all it may send.

The bytes are read by llhttp (httptools), the parser of Node.js. httpcore's pool walks through all its connections for
each request, which at a thousand hosts leaves nine products a second of several hundred. What may be connected to is
not decided here: a `Connect` is given, and the door's is the only one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import cast

import httptools

from .unpacking import PackingError, TooLargeError, Unpacker, WireError, unpacker

MAX_HEAD_BYTES = 64 * 1024  # of status lines and headers together, those of 1xx answers included; of trailers as well
MAX_FRAMING = 4  # times the body's limit, for what frames it: chunks of a byte have five of their own

Headers = dict[str, str]
"""Names in lower case; what came several times is one text with commas."""

Judge = Callable[[int, Headers], bool]
"""Told status and headers: whether the body is wanted. May raise what the exchange then raises."""

Connect = Callable[["Origin", Callable[[], "Connection"]], Awaitable["Connection"]]
"""Opens a connection to where the origin may be found. Raises OSError, or an error of its own."""


class BrokenOffError(WireError):
    """The other side closed the connection before its answer was whole."""


class NotHTTPError(WireError):
    """What came is no proper HTTP, or its head is too large."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes: http or https, a name or an address, a port."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is unpacked, and empty where it was not wanted; `waited`: seconds before it was asked for."""

    status: int
    headers: Headers
    body: bytes
    waited: float = 0.0


class Connection(asyncio.Protocol):
    """One connection, with one exchange at a time."""

    def __init__(self, lost: Callable[[Connection], object]) -> None:
        self._lost = lost
        self._done: asyncio.Future[Answer] | None = None
        self.reusable = False
        self.heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes, judge: Judge, max_bytes: int) -> asyncio.Future[Answer]:
        """Sends the request. Raises into the future WireError, or what `judge` raises."""
        self._parser = httptools.HttpResponseParser(self)
        self._judge, self._max_bytes = judge, max_bytes
        self._head_bytes = self._header_bytes = self._body_bytes = self._raw_bytes = 0
        self._headers: Headers = {}
        self._body = bytearray()  # no list: of pieces of two bytes it would take thirty times as much
        self._unpack: Unpacker | None = None
        self._in_body = self._until_eof = False
        self.reusable = self.heard = False
        self._done = done = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._fail(BrokenOffError())
        else:
            self._transport.write(request)
        return done

    def abort(self) -> None:
        """Closes at once. Whoever waits is told nothing."""
        self._done = None
        self.reusable = False
        self._transport.abort()

    # What the transport calls

    def data_received(self, data: bytes) -> None:
        if self._done is None:  # nobody asked: what comes now would be taken for the next answer
            self.abort()
            return
        self.heard = True
        if not self._in_body:
            self._head_bytes += len(data)
        self._raw_bytes += len(data)
        if self._raw_bytes > MAX_HEAD_BYTES + MAX_FRAMING * self._max_bytes:
            self._fail(TooLargeError())
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(NotHTTPError())
            return
        if not self._in_body and self._done is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(NotHTTPError())

    def eof_received(self) -> None:
        if self._done is not None and self._until_eof:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        if self._done is not None:
            if self._until_eof and exc is None:
                self._finish()
            else:
                self._fail(BrokenOffError())
        self._lost(self)

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._done is None or self._done.done():  # a second answer to one question
            self.reusable = False
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4  # a colon, a space and the line's end
        if self._header_bytes > MAX_HEAD_BYTES:  # or joining one name's values would take time by their square
            self._fail(NotHTTPError())
        if self._in_body or self._done is None:  # of a trailer nothing is needed
            return
        key, text = name.decode("latin-1").lower(), _text(value)
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._done is None or 100 <= status < 200:
            return
        self._in_body = True
        self._status = status
        try:
            wanted = self._judge(status, self._headers)
            self._unpack = unpacker(self._headers.get("content-encoding", ""), self._max_bytes) if wanted else None
        except Exception as exc:
            self._fail(exc)
            return
        coding = self._headers.get("transfer-encoding", "").lower()
        has_body = status not in (204, 304)
        self._until_eof = has_body and not (coding.endswith("chunked") or (not coding and self._has_length()))
        if not wanted:
            self._finish()

    def on_body(self, data: bytes) -> None:
        if self._done is None:
            return
        self._body_bytes += len(data)
        if self._body_bytes > self._max_bytes:
            self._fail(TooLargeError())
            return
        if self._unpack is not None:
            try:
                data = self._unpack(data)
            except WireError as exc:
                self._fail(exc)
                return
        self._body += data

    def on_message_complete(self) -> None:
        if not self._in_body:  # 1xx: the answer itself is still to come
            self._headers = {}
        elif self._done is not None:
            self.reusable = not self._until_eof and self._parser.should_keep_alive()
            self._finish()

    def _has_length(self) -> bool:
        return "content-length" in self._headers

    def _finish(self) -> None:
        if self._unpack is not None and self._body_bytes and not self._unpack.is_whole:
            self._fail(PackingError())
            return
        done, self._done = self._done, None
        if done is not None and not done.done():
            done.set_result(Answer(self._status, self._headers, bytes(self._body)))
        self._body = bytearray()
        if not self.reusable:
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        done, self._done = self._done, None
        self.reusable = False
        self._body = bytearray()
        if done is not None and not done.done():
            done.set_exception(error)
        self._transport.abort()


@dataclass(slots=True, eq=False)
class _Host:
    """The connections to one origin: `idle` ones, and how many are `busy` or being opened.

    `users`: exchanges under way, of which some are `waiting` for a connection. `pace`: seconds its last answer took.
    """

    origin: Origin
    idle: list[Connection] = field(default_factory=list)
    users: int = 0
    busy: int = 0
    waiting: deque[asyncio.Future[Connection | None]] = field(default_factory=deque)
    pace: float = math.inf


class Wire:
    """Kept connections by origin. Belongs to the event loop it is first used in."""

    def __init__(self, connect: Connect, *, most: int, keep_seconds: float) -> None:
        """`most`: connections in all; `keep_seconds`: how long one nobody needs is kept.

        Whoever asks holds `room` meanwhile; who has to wait for it waits for others, and not for the host.
        """
        self._connect = connect
        self._most = most
        self._keep_seconds = keep_seconds
        self.room = asyncio.Semaphore(most)
        self._busy = 0
        self._hosts: dict[Origin, _Host] = {}
        self._idle: OrderedDict[Connection, tuple[_Host, float]] = OrderedDict()  # the longest idle first
        self._sweep: asyncio.TimerHandle | None = None

    async def exchange(
        self, origin: Origin, request: bytes, judge: Judge, max_bytes: int, patience: float = 0.0
    ) -> Answer:
        """One question and its answer, for who holds `room`. Raises WireError, and what `connect` and `judge` raise; it
        has no deadline.

        `patience`: seconds that it may wait for a connection that is being used, where the host answers faster than
        that: another connection costs both sides more than the question.
        """
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = _Host(origin)
        host.users += 1
        self._busy += 1
        waited = 0.0
        try:
            kept = self._take(host)
            if kept is None and host.busy and host.pace < patience:
                begun = time.monotonic()
                kept = await self._freed(host, patience)
                waited = time.monotonic() - begun
            host.busy += 1
            try:
                answer = await self._on_some(kept, host, request, judge, max_bytes)
            finally:
                host.busy -= 1
        finally:
            host.users -= 1
            self._busy -= 1
            self._close_empty(host)
        return replace(answer, waited=waited) if waited else answer

    async def _on_some(
        self, kept: Connection | None, host: _Host, request: bytes, judge: Judge, max_bytes: int
    ) -> Answer:
        if kept is not None:
            try:
                return await self._ask(kept, host, request, judge, max_bytes)
            except BrokenOffError:
                if kept.heard:
                    raise
                # The other side closed it while the question was under way: asked again on a new one.
        while self._busy + len(self._idle) > self._most:
            self._forget(next(iter(self._idle))).abort()
        try:
            opened = await self._connect(host.origin, lambda: Connection(self._forget))
        except BaseException:
            self._pass_on(host)
            raise
        return await self._ask(opened, host, request, judge, max_bytes)

    async def _ask(self, connection: Connection, host: _Host, request: bytes, judge: Judge, max_bytes: int) -> Answer:
        begun = time.monotonic()
        try:
            answer = await connection.ask(request, judge, max_bytes)
        except BaseException:  # cancelled, too: what is half read cannot be used again
            connection.abort()
            host.pace = math.inf
            self._pass_on(host)
            raise
        host.pace = time.monotonic() - begun
        if not connection.reusable:
            self._pass_on(host)
        else:
            self._keep(connection, host)
        return answer

    async def _freed(self, host: _Host, seconds: float) -> Connection | None:
        """A connection that is being used, once it is free; None where that takes longer."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Connection | None] = loop.create_future()
        host.waiting.append(turn)
        patience = loop.call_later(seconds, _end, turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it came, and nobody takes it
                connection = turn.result()
                if connection is None:
                    self._pass_on(host)
                else:
                    self._keep(connection, host)
            raise
        finally:
            patience.cancel()

    def _keep(self, connection: Connection, host: _Host) -> None:
        """For who waits for it, else for later."""
        if self._pass_on(host, connection):
            return
        host.idle.append(connection)
        self._idle[connection] = (host, time.monotonic() + self._keep_seconds)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._keep_seconds, self._close_old)

    def _pass_on(self, host: _Host, connection: Connection | None = None) -> bool:
        """To the one who waits longest: this connection, or the right to make one. Whether anybody waits."""
        while host.waiting:
            turn = host.waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def _take(self, host: _Host) -> Connection | None:
        while host.idle:
            connection = self._forget(host.idle[-1])
            if connection.reusable:
                return connection
        return None

    def _forget(self, connection: Connection) -> Connection:
        """No longer idle: taken, closed or lost."""
        found = self._idle.pop(connection, None)
        if found is not None:
            host = found[0]
            host.idle.remove(connection)
            self._close_empty(host)
        return connection

    def _close_empty(self, host: _Host) -> None:
        """Forgets a host without connections, else all there ever were would be remembered."""
        if not (host.users or host.idle):
            del self._hosts[host.origin]

    def _close_old(self) -> None:
        self._sweep = None
        now = time.monotonic()
        while self._idle:
            connection, (_, until) = next(iter(self._idle.items()))
            if until > now:
                self._sweep = asyncio.get_running_loop().call_later(until - now, self._close_old)
                return
            self._forget(connection).abort()

    def close(self) -> None:
        """Closes what is idle."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._idle):
            self._forget(connection).abort()


def _end(turn: asyncio.Future[Connection | None]) -> None:
    if not turn.done():
        turn.set_result(None)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
