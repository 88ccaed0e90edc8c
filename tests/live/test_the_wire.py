"""Kept connections: an answer belongs to one question, whatever else a server sends, and heads end at their limit."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from marketplace.live import wire
from marketplace.live.wire import BrokenOffError, Connection, NotHTTPError, Origin, Wire
from tests import aio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"

Talk = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def connect(origin: Origin, make: Callable[[], Connection]) -> Connection:
    _, opened = await asyncio.get_running_loop().create_connection(make, origin.host, origin.port)
    return opened


@asynccontextmanager
async def speaking(talk: Talk, most: int = 10) -> AsyncIterator[tuple[Wire, Origin, list[int]]]:
    """A wire to a server that says on each connection, by its number, what `talk` says."""
    opened: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(len(opened))
        try:
            await talk(opened[-1], reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    hands = Wire(connect, most=most, keep_seconds=30)
    try:
        yield hands, Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1]), opened
    finally:
        hands.close()
        server.close()


async def ask(hands: Wire, origin: Origin, patience: float = 0.0) -> bytes:
    async with hands.room:
        return (await hands.exchange(origin, ASKED, lambda status, headers: True, 1_000_000, patience)).body


async def asked(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


def test_a_connection_is_kept_for_the_next_question():
    async def talk(number, reader, writer):
        for body in (b"a1", b"a2", b"a3"):
            await asked(reader)
            writer.write(OK + body)

    async def run():
        async with speaking(talk) as (hands, origin, opened):
            assert [await ask(hands, origin) for _ in range(3)] == [b"a1", b"a2", b"a3"]
            assert opened == [0]

    aio.run(run())


@pytest.mark.parametrize("more", [OK + b"no", b"\x00\x01", b"HTTP/1.1 100 Continue\r\n\r\n", b"x"])
def test_what_comes_with_an_answer_unasked_is_nobodys_answer(more):
    async def talk(number, reader, writer):
        await asked(reader)
        writer.write(OK + b"a%d" % number + more)
        await reader.read()

    async def run():
        async with speaking(talk) as (hands, origin, opened):
            assert [await ask(hands, origin) for _ in range(3)] == [b"a0", b"a1", b"a2"]
            assert len(opened) == 3

    aio.run(run())


def test_what_comes_later_unasked_closes_the_connection():
    async def run():
        said, closed = asyncio.Event(), asyncio.Event()

        async def talk(number, reader, writer):
            await asked(reader)
            writer.write(OK + b"a%d" % number)
            if number == 0:
                await said.wait()
                writer.write(OK + b"no")
                assert await reader.read() == b""
                closed.set()
            await reader.read()

        async with speaking(talk) as (hands, origin, _):
            assert await ask(hands, origin) == b"a0"
            said.set()
            await closed.wait()
            assert await ask(hands, origin) == b"a1"

    aio.run(run())


def test_a_question_given_up_takes_its_connection_with_it():
    async def run():
        half = asyncio.Event()

        async def talk(number, reader, writer):
            await asked(reader)
            if number == 0:
                writer.write(OK + b"a")
                half.set()
                assert await reader.read() == b""
            else:
                writer.write(OK + b"b%d" % number)
                await reader.read()

        async with speaking(talk) as (hands, origin, opened):
            given_up = asyncio.create_task(ask(hands, origin))
            await half.wait()
            given_up.cancel()
            await asyncio.wait([given_up])
            assert given_up.cancelled()
            assert await ask(hands, origin) == b"b1"
            assert len(opened) == 2

    aio.run(run())


def test_a_kept_connection_that_the_server_closed_costs_no_answer():
    async def talk(number, reader, writer):
        await asked(reader)
        writer.write(OK + b"a%d" % number)
        if number == 0:
            await asked(reader)  # and hangs up instead of an answer
        else:
            await reader.read()

    async def run():
        async with speaking(talk) as (hands, origin, opened):
            assert [await ask(hands, origin), await ask(hands, origin)] == [b"a0", b"a1"]
            assert len(opened) == 2

    aio.run(run())


def test_a_new_connection_that_breaks_off_is_not_asked_again():
    async def talk(number, reader, writer):
        await asked(reader)

    async def run():
        async with speaking(talk) as (hands, origin, opened):
            with pytest.raises(BrokenOffError):
                await ask(hands, origin)
            assert len(opened) == 1

    aio.run(run())


def test_no_more_connections_than_said_are_open_at_once():
    async def run():
        now: set[int] = set()
        highest = 0

        async def talk(number, reader, writer):
            nonlocal highest
            now.add(number)
            highest = max(highest, len(now))
            try:
                while True:
                    await asked(reader)
                    await asyncio.sleep(0)
                    writer.write(OK + b"ok")
            finally:
                now.discard(number)

        async with speaking(talk, most=3) as (hands, origin, _):
            assert await asyncio.gather(*(ask(hands, origin) for _ in range(30))) == [b"ok"] * 30
            assert highest <= 3

    aio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nx y: z\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nx: a\x00b\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nab",
    ],
)
def test_an_answer_that_could_be_read_in_two_ways_is_none(answer):
    async def talk(number, reader, writer):
        await asked(reader)
        writer.write(answer)
        await reader.read()

    async def run():
        async with speaking(talk) as (hands, origin, _):
            with pytest.raises(NotHTTPError):
                await ask(hands, origin)

    aio.run(run())


def test_trailers_end_where_heads_do():
    async def talk(number, reader, writer):
        await asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n")
        writer.write(b"x: y\r\n" * 20_000 + b"\r\n")
        await reader.read()

    async def run():
        async with speaking(talk) as (hands, origin, _):
            with pytest.raises(NotHTTPError):
                await ask(hands, origin)

    aio.run(run())


class Unconnected(asyncio.Transport):
    """Takes everything and goes nowhere."""

    closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.mark.parametrize("line", [b"a:\r\n", b"a: b\r\n"])
def test_of_a_head_in_one_piece_no_more_is_kept_than_a_head_may_have(line):
    async def run():
        connection = Connection(lambda _: None)
        connection.connection_made(Unconnected())
        done = connection.ask(ASKED, lambda status, headers: True, 1_000_000)
        connection.data_received(b"HTTP/1.1 200 OK\r\n" + line * 60_000)
        with pytest.raises(NotHTTPError):
            await done
        assert len(connection._headers["a"]) <= wire.MAX_HEAD_BYTES

    aio.run(run())


def test_a_body_in_tiny_pieces_takes_no_more_memory_than_in_one():
    async def run():
        connection = Connection(lambda _: None)
        connection.connection_made(Unconnected())
        body = b"2\r\nab\r\n" * 200_000 + b"0\r\n\r\n"
        done = connection.ask(ASKED, lambda status, headers: True, 500_000)
        connection.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        tracemalloc.start()
        try:
            connection.data_received(body)
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()
        assert (await done).body == b"ab" * 200_000

    aio.run(run())


LONG = 60.0  # seconds; nothing here takes so long


def test_a_host_that_answers_fast_is_asked_over_one_connection():
    async def talk(number, reader, writer):
        while True:
            await asked(reader)
            writer.write(OK + b"a%d" % number)

    async def run():
        async with speaking(talk) as (hands, origin, opened):
            await ask(hands, origin, LONG)
            assert await asyncio.gather(*(ask(hands, origin, LONG) for _ in range(8))) == [b"a0"] * 8
            assert opened == [0]
            assert len(hands._hosts) == 1
            hands.close()
            assert hands._hosts == {}

    aio.run(run())


def test_who_is_in_a_hurry_or_asks_a_slow_host_waits_for_no_connection_of_others():
    async def run():
        everybody = asyncio.Barrier(4)

        async def talk(number, reader, writer):
            await asked(reader)
            writer.write(OK + b"ok")
            await asked(reader)
            await everybody.wait()  # nobody is answered before all have asked
            writer.write(OK + b"ok")
            await reader.read()

        async def first(hands, origin):
            return await asyncio.gather(*(ask(hands, origin) for _ in range(4)))

        async with speaking(talk) as (hands, origin, _):
            assert await first(hands, origin) == [b"ok"] * 4
            assert await asyncio.gather(*(ask(hands, origin) for _ in range(4))) == [b"ok"] * 4
        async with speaking(talk) as (hands, origin, _):
            assert await first(hands, origin) == [b"ok"] * 4
            hands._hosts[origin].pace = LONG + 1
            assert await asyncio.gather(*(ask(hands, origin, LONG) for _ in range(4))) == [b"ok"] * 4

    aio.run(run())


def test_patience_ends_and_what_was_waited_is_said():
    async def run():
        go_on = asyncio.Event()

        async def talk(number, reader, writer):
            await asked(reader)
            writer.write(OK + b"ok")
            if number == 0:
                await asked(reader)
                await go_on.wait()
            writer.write(OK + b"ok")
            await reader.read()

        async with speaking(talk) as (hands, origin, opened):
            await ask(hands, origin)
            slow = asyncio.create_task(ask(hands, origin))
            await asyncio.sleep(0)
            hands._hosts[origin].pace = 0.0
            async with hands.room:
                found = await hands.exchange(origin, ASKED, lambda status, headers: True, 1_000_000, 0.05)
            assert found.body == b"ok"
            assert found.waited >= 0.05 * 0.9  # clocks differ a little
            assert (opened, slow.done()) == ([0, 1], False)
            go_on.set()
            assert await slow == b"ok"

    aio.run(run())


def test_where_a_connection_serves_once_or_breaks_those_who_wait_make_their_own():
    async def talk(number, reader, writer):
        await asked(reader)
        if number == 0:
            writer.write(OK + b"a0")
            await asked(reader)  # and breaks off
        elif number % 2:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\na%d" % number)
        # the others break off without an answer

    async def run():
        async with speaking(talk) as (hands, origin, _):
            await ask(hands, origin)
            hands._hosts[origin].pace = 0.0
            found = await asyncio.gather(*(ask(hands, origin, LONG) for _ in range(6)), return_exceptions=True)
            said = [one for one in found if isinstance(one, bytes)]
            assert len(said) == 3
            assert all(isinstance(one, BrokenOffError) for one in found if not isinstance(one, bytes))
            assert hands._hosts == {}

    aio.run(run())


def test_a_turn_that_nobody_takes_any_more_goes_to_the_next(monkeypatch):
    def given_up(pass_on, task):
        def wrapped(*arguments):
            given = pass_on(*arguments)
            task.cancel()
            return given

        return wrapped

    async def run():
        go_on = asyncio.Event()

        async def talk(number, reader, writer):
            await asked(reader)
            writer.write(OK + b"ok")
            await asked(reader)
            await go_on.wait()
            writer.write(OK + b"ok")
            await asked(reader)
            writer.write(OK + b"ok")
            await reader.read()

        async with speaking(talk) as (hands, origin, opened):
            await ask(hands, origin)
            tasks = [asyncio.create_task(ask(hands, origin, LONG)) for _ in range(3)]
            await asyncio.sleep(0)
            monkeypatch.setattr(hands, "_pass_on", given_up(hands._pass_on, tasks[1]))
            go_on.set()
            assert await tasks[2] == b"ok"
            assert tasks[1].cancelled()
            assert opened == [0]

    aio.run(run())
