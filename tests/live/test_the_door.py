"""Whatever a hostile server does, a call ends in time with an answer or a reason, and reaches no forbidden address."""

import gzip
import json
import socket
import ssl
import time
import tracemalloc
import zlib
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest

from marketplace.live.http import Policy, cache_seconds

from . import hostile
from .conftest import ALLOWED
from .hostile import answer, redirect

QUICK = Policy(deadline=0.6)


def test_an_answer_comes_with_its_type_etag_freshness_and_time(fetch, server):
    url = server.route(
        "/discover",
        answer({"a": 1}, content_type='Application/JSON; charset="UTF-8"', etag='"v1"', cache_control="max-age=60"),
    )
    got = fetch(url)
    assert (got.status, got.url, got.media_type, got.charset) == (200, url, "application/json", "utf-8")
    assert (json.loads(got.body), got.etag, got.cache_seconds, got.not_modified) == ({"a": 1}, '"v1"', 60, False)
    assert 0 <= got.elapsed_ms < 3000


def test_a_conditional_request_is_answered_by_not_modified(fetch, server):
    url = server.route("/x", hostile.with_etag({"a": 1}, '"v1"'))
    assert fetch(url, etag='"v1"').not_modified
    assert not fetch(url, etag='"v0"').not_modified


def test_it_sends_no_cookies_and_no_credentials_and_the_real_host(fetch, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.2:1/")
    fetch(server.route("/x", answer({}, set_cookie="a=b")), accept="application/yaml")
    headers = server.seen[0].headers
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["accept"] == "application/yaml"
    assert not {"cookie", "authorization", "referer"} & set(headers)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1/x", "http://"),
        ("javascript:alert(1)", "http://"),
        ("data:text/plain,x", "http://"),
        ("file:///etc/passwd", "http://"),
        ("//127.0.0.1/x", "http://"),
        ("127.0.0.1:8100/discover", "http"),
        ("", "http://"),
        ("http://", "host"),
        ("http:///x", "host"),
        ("http://user:secret@127.0.0.1/", "password"),
        ("http://127.0.0.1:6379/", "6379"),
        ("http://127.0.0.1:22/", "22"),
        ("http://127.0.0.1:0/", "0"),
        ("http://127.0.0.1:99999/", ""),
        ("http://127.0.0.1:x/", ""),
        ("http://[::1", ""),
        ("http://a b/", ""),
        ("http://127.0.0.1/\r\nX-Evil: 1", ""),
        ("http://[fe80::1%25eth0]/", ""),
        ("http://xn--\udcff/", ""),
        ("http://127.0.0.1/" + "a" * 3000, "longer"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_with_the_reason(refused, url, reason):
    error = refused(url)
    assert error.kind == "bad_url"
    assert reason in error.message


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "localhost.localdomain.invalid.127.0.0.2", "2130706434", "0x7f.2", "127.2"]
)
def test_no_spelling_of_a_forbidden_address_reaches_it(refused, canary, host):
    error = refused(f"http://{host}:{canary.port}/")
    assert error.kind in ("refused_address", "unreachable", "bad_url")
    assert canary.connections == 0


def test_loopback_is_refused_unless_the_operator_allows_it(refused, server):
    error = refused(server.url("/"), allowed=())
    assert error.kind == "refused_address"
    assert "GATEWAY_ALLOWED_NETWORKS" in error.advice
    assert server.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_forbidden_address_is_not_followed(refused, server, canary, status):
    error = refused(server.route("/x", redirect(canary.url("/discover"), status)))
    assert error.kind == "refused_address"
    assert "127.0.0.2" in error.message
    assert canary.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1:6379/",
        "http://[",
        "gopher://x",
    ],
)
def test_a_redirect_to_what_is_no_web_address_is_not_followed(refused, server, location):
    assert refused(server.route("/x", redirect(location))).kind == "bad_redirect"


def test_good_redirects_are_followed_and_the_final_address_is_told(fetch, server):
    server.route("/a", redirect("/b"))
    server.route("/b", redirect("c"))
    server.route("/c", answer({"end": True}))
    assert fetch(server.url("/a")).url == server.url("/c")


def test_redirects_in_a_circle_and_without_end_are_cut(refused, server):
    server.route("/a", redirect("/b"))
    server.route("/b", redirect("/a"))
    assert "circle" in refused(server.url("/a")).message
    for number in range(10):
        server.route(f"/{number}", redirect(f"/{number + 1}"))
    assert refused(server.url("/0")).kind == "bad_redirect"
    assert server.requests["/5"] == 0


class ScriptedResolver:
    """Answers with one list of addresses after the other, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_name_is_resolved_once_and_connected_to_as_checked(fetch, server, canary):
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    url = f"http://rebinding.example:{server.port}/x"
    server.route("/x", answer({"ok": 1}))
    assert fetch(url, resolver=resolver).status == 200
    assert resolver.asked == [("rebinding.example", server.port)]
    assert server.seen[0].headers["host"] == f"rebinding.example:{server.port}"
    assert canary.connections == 0


def test_a_name_that_changes_between_two_hops_is_checked_again(refused, server, canary):
    server.route("/x", redirect(f"http://rebinding.example:{canary.port}/y"))
    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    assert refused(f"http://rebinding.example:{server.port}/x", resolver=resolver).kind == "refused_address"
    assert canary.connections == 0


def test_one_forbidden_address_among_good_ones_refuses_the_name(refused, server, canary):
    resolver = ScriptedResolver(["127.0.0.1", "127.0.0.2"])
    assert refused(f"http://both.example:{server.port}/x", resolver=resolver).kind == "refused_address"
    assert server.connections == canary.connections == 0


def test_the_second_address_is_tried_when_the_first_does_not_listen(fetch, server):
    from ipaddress import ip_network

    resolver = ScriptedResolver(["127.0.0.9", "127.0.0.1"])
    server.route("/x", answer({}))
    url = f"http://two.example:{server.port}/x"
    assert fetch(url, resolver=resolver, allowed=[ip_network("127.0.0.0/28")]).status == 200


def test_the_second_address_is_tried_when_the_first_says_nothing(fetch, server):
    url = server.route("/x", answer({})).replace("127.0.0.1", "product.example")
    with socket.socket() as silent, ExitStack() as opened:
        silent.bind(("127.0.0.3", server.port))
        silent.listen(0)
        for _ in range(8):  # with its queue full it leaves everybody else without an answer
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.3", server.port))
        here = [*ALLOWED, ip_network("127.0.0.3/32")]
        resolver = ScriptedResolver(["127.0.0.3", "127.0.0.1"])
        assert fetch(url, allowed=here, resolver=resolver).status == 200


def test_an_unknown_name_and_a_closed_port_are_unreachable(refused):
    async def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    assert "nowhere.example" in refused("http://nowhere.example/", resolver=unknown).message
    with socket.socket() as taken:  # bound but not listening
        taken.bind(("127.0.0.1", 0))
        assert refused(f"http://127.0.0.1:{taken.getsockname()[1]}/").kind == "unreachable"


@pytest.mark.parametrize("handler", [hostile.drip, hostile.drip_headers, hostile.hang])
def test_slowness_of_any_kind_ends_at_the_deadline(refused, server, handler):
    url = server.route("/slow", handler)
    started = time.perf_counter()
    assert refused(url, policy=QUICK).kind == "slow"
    assert time.perf_counter() - started < 2.5


def test_a_hanging_name_server_ends_at_the_deadline(refused):
    import asyncio

    async def hanging(host, port):
        await asyncio.sleep(60)

    assert refused("http://slow-name.example/", resolver=hanging, policy=QUICK).kind == "slow"


def test_a_body_without_end_is_cut_at_the_limit(refused, server):
    assert refused(server.route("/x", hostile.endless)).kind == "too_large"


def test_a_length_that_is_too_large_is_refused_before_it_is_read(refused, server):
    url = server.route("/x", answer(b"[]", content_length="9999999999999999999"))
    assert refused(url).kind == "too_large"
    beyond_64_bits = server.route("/y", answer(b"[]", content_length="99999999999999999999"))
    assert refused(beyond_64_bits).kind == "bad_content"


def test_two_megabytes_are_read_and_one_byte_more_is_not(fetch, refused, server):
    limit = 2 * 1024 * 1024
    assert len(fetch(server.route("/fits", answer(b"1" * limit))).body) == limit
    assert refused(server.route("/more", answer(b"1" * (limit + 1)))).kind == "too_large"
    packed = server.route("/packed", answer(gzip.compress(b"1" * (limit + 1)), content_encoding="gzip"))
    assert refused(packed).kind == "too_large"


def test_a_gzip_bomb_is_refused_and_never_unpacked_in_memory(refused, server):
    url = server.route("/bomb", hostile.gzip_bomb())
    tracemalloc.start()
    assert refused(url).kind == "too_large"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 1024 * 1024


def test_compression_in_layers_is_bounded_too(refused, server):
    body = gzip.compress(gzip.compress(b"0" * 50 * 1024 * 1024))
    url = server.route("/layers", answer(body, content_encoding="gzip, gzip"))
    assert refused(url).kind in ("too_large", "bad_content")


def test_compressed_nothing_without_end_is_cut(refused, server):
    assert refused(server.route("/x", hostile.empty_gzip_for_ever)).kind in ("too_large", "slow")


def test_compressed_answers_are_read(fetch, server):
    gz = server.route("/gz", answer(gzip.compress(b'{"a":1}'), content_encoding="gzip"))
    deflated = server.route("/de", answer(zlib.compress(b'{"a":1}'), content_encoding="deflate"))
    assert fetch(gz).body == fetch(deflated).body == b'{"a":1}'


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (hostile.reset, "unreachable"),
        (hostile.huge_headers, "bad_content"),
        (hostile.not_http, "bad_content"),
        (answer(b"not gzip", content_encoding="gzip"), "bad_content"),
        (answer(b"{}", 401), "bad_status"),
        (answer(b"{}", 404), "bad_status"),
        (answer(b"{}", 429), "bad_status"),
        (answer(b"{}", 500), "bad_status"),
        (answer(b"{}", 418), "bad_status"),
        (answer(b"", 304), "bad_status"),
        (answer(b"", 302), "bad_status"),
    ],
)
def test_broken_answers_are_named_for_what_they_are(refused, server, handler, kind):
    assert refused(server.route("/x", handler)).kind == kind


TLS = Path(__file__).parent / "tls"  # a self-signed certificate of product.example, made for these tests


@pytest.fixture
def secure_server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    running = hostile.Server(tls=context).start()
    running.route("/x", answer({}))
    yield running
    running.stop()


def test_a_certificate_nobody_vouches_for_is_refused(refused, secure_server):
    error = refused(f"https://product.example:{secure_server.port}/x", resolver=ScriptedResolver(["127.0.0.1"]))
    assert error.kind == "tls"
    assert secure_server.requests["/x"] == 0


def test_the_certificate_is_checked_against_the_name_though_the_address_is_connected_to(fetch, refused, secure_server):
    trusting = ssl.create_default_context(cafile=str(TLS / "certificate.pem"))
    here = ScriptedResolver(["127.0.0.1"])
    assert fetch(f"https://product.example:{secure_server.port}/x", resolver=here, ssl_context=trusting).status == 200
    assert secure_server.seen[0].headers["host"] == f"product.example:{secure_server.port}"
    error = refused(f"https://other.example:{secure_server.port}/x", resolver=here, ssl_context=trusting)
    assert error.kind == "tls"


def test_https_does_not_lead_back_to_http(refused, server, secure_server):
    trusting = ssl.create_default_context(cafile=str(TLS / "certificate.pem"))
    secure_server.route("/down", redirect(server.url("/x")))
    url = f"https://product.example:{secure_server.port}/down"
    error = refused(url, resolver=ScriptedResolver(["127.0.0.1"]), ssl_context=trusting)
    assert error.kind == "bad_redirect"
    assert server.connections == 0


def test_http_to_a_tls_port_and_tls_to_an_http_port_are_explained(refused, server, secure_server):
    assert refused(secure_server.url("/x").replace("https", "http")).kind in ("bad_content", "unreachable")
    assert refused(server.url("/x").replace("http", "https")).kind in ("tls", "unreachable", "slow")


def test_a_failing_health_document_is_an_answer_where_it_is_expected(fetch, refused, server):
    from marketplace.live.http import HEALTH_POLICY

    url = server.route("/h", answer({"status": "fail"}, 503, content_type="application/health+json"))
    assert fetch(url, policy=HEALTH_POLICY).status == 503
    assert refused(url).status == 503


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 30),
        ("public", 30),
        ("max-age=5", 5),
        ("Max-Age=5, must-revalidate", 5),
        ("max-age=999999999999", 3600),
        ("max-age=-1", 30),
        ("max-age=soon", 30),
        ("max-age=٣", 30),
        ("no-store", 0),
        ("no-cache, max-age=60", 0),
        ("max-age=60, s-maxage=10", 10),
        ('max-age="7"', 7),
    ],
)
def test_freshness_follows_cache_control(header, seconds):
    assert cache_seconds(header) == seconds


def test_time_spent_in_other_caches_counts():
    assert cache_seconds("max-age=60", "50") == 10
    assert cache_seconds("max-age=60", "500") == 0
