"""Addresses passed through: encodings, ranges, redirects, sizes, and sources that hang. The sources are real."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from .house import House
from .serving import serving

BODY = b"station,mm\n" + b"".join(b"S%d,%d\n" % (n, n) for n in range(5000))
PACKED = gzip.compress(BODY)


class Upstream:
    """Answers with what `answer` writes, and keeps the headers it was asked with."""

    def __init__(self, answer):
        asked = self.asked = []
        self.held = threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                self.close_connection = True
                with suppress(OSError):  # the gateway went away
                    answer(self, upstream)

            do_HEAD = do_GET  # noqa: N815 - the name the server looks for

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/rain.csv"

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


def answering(status=200, body=BODY, **headers):
    def answer(handler, _):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    return answer


@pytest.fixture
def house_of(folder, client_of):
    made = []

    def house(answer, **limits):
        upstream = Upstream(answer)
        made.append(upstream)
        source = {"type": "http", "url": upstream.url, "format": "csv"}
        return House(
            folder, client_of, {"limits": limits, "artifacts": {"rain": {"access": "open", "source": source}}}
        ), upstream

    yield house
    for upstream in made:
        upstream.close()


def refused(house):
    """How many accesses are counted as refused: those of nobody known are in no log."""
    return house.client.app.state.context.log.sums()["refused"]


@contextmanager
def raw(house):
    """A client over a socket, which sees what is really sent."""
    with serving(house.client.app) as base, httpx2.Client(base_url=base, timeout=30) as client:
        yield client


def test_the_source_is_asked_for_its_bytes_as_they_are_and_gets_no_secrets(house_of):
    house, upstream = house_of(answering(ETag='"v1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT", Server="x",
                                         Set_Cookie="a=b", X_Internal="10.0.0.1"))  # fmt: skip
    sent = {"Accept-Encoding": "gzip", "Cookie": "c=d", "X-Forwarded-For": "10.1.1.1", "If-None-Match": "x"}
    answer = house.client.get(house.rain, headers=sent)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, BODY, '"v1"')
    assert not {"set-cookie", "x-internal", "server"} & answer.headers.keys()
    [(_, asked)] = upstream.asked
    assert (asked["accept-encoding"], asked["if-none-match"]) == ("identity", "x")
    assert not {"cookie", "authorization", "x-forwarded-for"} & asked.keys()
    [entry] = house.log()
    assert (entry["status"], entry["bytes"]) == (200, len(BODY))


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*"])
def test_what_the_source_encodes_nonetheless_comes_with_its_encoding_to_who_takes_it(house_of, accepted):
    house, _ = house_of(answering(body=PACKED, Content_Encoding="gzip", ETag='"v1"'))
    with raw(house) as client, client.stream("GET", house.rain, headers={"Accept-Encoding": accepted}) as answer:
        got = b"".join(answer.iter_raw())
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert int(answer.headers["content-length"]) == len(PACKED)
    assert (got, gzip.decompress(got)) == (PACKED, BODY)


@pytest.mark.parametrize("accepted", ["identity", "", "gzip;q=0", "br"])
@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_undone_for_who_does_not_take_it(house_of, accepted, members):
    house, _ = house_of(answering(body=PACKED * members, Content_Encoding="x-gzip", ETag='"v1"', Accept_Ranges="bytes"))
    with raw(house) as client, client.stream("GET", house.rain, headers={"Accept-Encoding": accepted}) as answer:
        got = b"".join(answer.iter_raw())
    assert (answer.status_code, got) == (200, BODY * members)
    assert not {"content-encoding", "content-length"} & answer.headers.keys()
    assert (answer.headers["accept-ranges"], answer.headers["etag"]) == ("none", 'W/"v1"')


@pytest.mark.parametrize(("coding", "status"), [("br", 200), ("zstd", 200), ("gzip, br", 200), ("gzip", 206)])
def test_what_cannot_be_undone_is_refused_and_says_what_to_accept(house_of, coding, status):
    house, _ = house_of(answering(status, PACKED, Content_Encoding=coding))
    answer = house.client.get(house.rain, headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, coding in answer.json()["detail"]) == (502, True)


def test_gzip_that_is_broken_or_cut_off_is_never_taken_for_whole(house_of):
    for count, body in enumerate((PACKED[:-400], PACKED[:200] + b"\0" * 300 + PACKED[500:], b"not gzip"), 1):
        house, _ = house_of(answering(body=body, Content_Encoding="gzip"))
        with raw(house) as client, pytest.raises(httpx2.HTTPError):
            client.get(house.rain, headers={"Accept-Encoding": "identity"})
        assert refused(house) == count


def test_a_gzip_bomb_stops_at_the_limit_in_little_memory(house_of):
    import tracemalloc

    bomb = gzip.compress(bytes(200_000_000))
    house, _ = house_of(answering(body=bomb, Content_Encoding="gzip"), source_bytes=50_000_000)
    with raw(house) as client:
        tracemalloc.start()
        try:
            with (
                pytest.raises(httpx2.HTTPError),
                client.stream("GET", house.rain, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                got = 0
                for part in answer.iter_raw():
                    got += len(part)
            assert got <= 50_000_000
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def test_ranges_are_the_sources_business_and_its_416_is_told_as_a_problem(house_of):
    house, upstream = house_of(answering(206, b"0123", Content_Range="bytes 0-3/10", Accept_Ranges="bytes"))
    answer = house.client.get(house.rain, headers={"Range": "bytes=0-3", "If-Range": '"v"'})
    assert (answer.status_code, answer.content) == (206, b"0123")
    assert answer.headers["content-range"] == "bytes 0-3/10"
    assert (upstream.asked[0][1]["range"], upstream.asked[0][1]["if-range"]) == ("bytes=0-3", '"v"')
    house.client.head(house.rain, headers={"Range": "bytes=0-3"})
    assert "range" not in upstream.asked[1][1]
    house, _ = house_of(answering(416, b"<h1>nginx on db-7.internal</h1>", Content_Range="bytes */10"))
    answer = house.client.get(house.rain, headers={"Range": "bytes=99-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10")
    assert (answer.headers["content-type"], "internal" in answer.text) == ("application/problem+json", False)


def test_not_modified_has_no_body(house_of):
    house, _ = house_of(answering(304, b"", ETag='"v1"'))
    answer = house.client.get(house.rain, headers={"If-None-Match": '"v1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"v1"')


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed_to_this_or_another_host(house_of, status):
    _, other = house_of(answering(body=b"secret"))
    house, _ = house_of(answering(status, b"", Location=other.url))
    answer = house.client.get(house.rain)
    assert (answer.status_code, "redirect" in answer.json()["detail"]) == (502, True)
    assert (other.asked, str(other.server.server_port) in answer.text) == ([], False)


@pytest.mark.parametrize("status", [201, 204, 401, 403, 404, 500, 503])
def test_other_answers_are_a_problem_without_their_bodies(house_of, status):
    house, _ = house_of(answering(status, b"" if status == 204 else b"host db-7.internal"))
    answer = house.client.get(house.rain)
    assert (answer.status_code, str(status) in answer.json()["detail"]) == (502, True)
    assert "internal" not in answer.text and "127.0.0.1" not in answer.text
    assert refused(house) == 1


def test_a_source_that_says_it_is_too_large_is_refused_and_one_that_turns_out_so_is_cut_off(house_of):
    house, _ = house_of(answering(), source_bytes=1000)
    answer = house.client.get(house.rain)
    assert (answer.status_code, answer.json()["title"]) == (502, "Source too large")

    def chunked(handler, _):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _number in range(10):
            handler.wfile.write(b"1f4\r\n" + b"x" * 500 + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    house, _ = house_of(chunked, source_bytes=1000)
    with raw(house) as client, pytest.raises(httpx2.HTTPError):
        client.get(house.rain)
    house, _ = house_of(chunked)
    with raw(house) as client:
        assert len(client.get(house.rain).content) == 5000


def test_a_source_that_never_answers_is_given_up(house_of):
    def silent(_, upstream):
        upstream.held.wait(60)

    def a_letter_at_a_time(handler, upstream):
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: " + b"x" * 1000:
            handler.wfile.write(bytes([letter]))
            if upstream.held.wait(0.2):
                return

    for count, answer in enumerate((silent, a_letter_at_a_time), 1):
        house, _ = house_of(answer, source_seconds=1)
        begun = time.monotonic()
        given = house.client.get(house.rain)
        assert (given.status_code, given.json()["title"]) == (504, "Source too slow")
        assert time.monotonic() - begun < 30  # the second would take minutes
        assert refused(house) == count


def test_a_source_that_stops_in_the_middle_cuts_the_answer_off(house_of):
    def halting(handler, upstream):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 500)
        handler.wfile.flush()
        upstream.held.wait(60)

    house, _ = house_of(halting, source_seconds=1)
    with raw(house) as client, pytest.raises(httpx2.HTTPError):
        client.get(house.rain)
    entry = house.log()[0]
    assert (entry["status"], entry["bytes"]) == (502, 500)


def test_a_source_that_is_no_web_server(house_of, folder, client_of):
    listener = socket.create_server(("127.0.0.1", 0))

    def greet():
        connection, _ = listener.accept()
        connection.recv(10)
        connection.sendall(b"220 mail.internal ESMTP\r\n")
        connection.close()

    threading.Thread(target=greet, daemon=True).start()
    source = {"type": "http", "url": f"http://127.0.0.1:{listener.getsockname()[1]}/", "format": "csv"}
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open", "source": source}}})
    answer = house.client.get(house.rain)
    listener.close()
    assert (answer.status_code, "internal" in answer.text) == (502, False)
