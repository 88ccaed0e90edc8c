"""The table of what a hostile product does, and what people are told of it. One line each; everything else follows it.

A mode is played twice: at the product's own address, and behind an honest index, at all of its interfaces.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.live import hostile
from tests.live.gateways import CONTRACT, INDEX, ODPS, SAMPLE, gateway
from tests.live.hostile import Handler, Server, answer, redirect

from . import documents as say
from . import wire
from .certificates import Authority


@dataclass
class House:
    """Where a mode is played: `server` may be asked, `canary` never."""

    server: Server
    canary: Server
    authority: Authority
    secure: Callable[..., Server]  # a server with TLS; arguments of Authority.server


Attack = Callable[[House], Handler | str]
"""The handler to put at an address; or the address itself, where that is what is wrong."""


@dataclass(frozen=True)
class Mode:
    """`kind` and `says`: the problem that is shown. None: the document is read, and `says` stands on the page."""

    name: str
    attack: Attack
    kind: str | None
    says: str = ""
    alone: bool = False  # not played at every interface of an honest index

    def __str__(self) -> str:
        return self.name


def _fixed(handler: Handler) -> Attack:
    return lambda _house: handler


def _said(body: Any, media_type: str = "application/json", **headers: str) -> Attack:
    return _fixed(answer(body, 200, 0.0, content_type=media_type, **headers))


def _canary(make: Callable[[str], Any], media_type: str = "application/json") -> Attack:
    """A document that names the canary's address."""
    return lambda house: answer(make(house.canary.url("/secret")), content_type=media_type)


def _reference(name: str) -> Attack:
    return _canary(lambda address: say.references(address)[name])


def _named(host: str) -> Attack:
    """An honest gateway behind a name whose address the name server gives; on both networks somebody listens.

    It ends the first connection, so that its name is looked up again: a kept one leads where it was checked to lead.
    """

    def attack(house: House) -> str:
        gateway(house.server, index=answer(INDEX, connection="close"))
        return f"http://{house.server.port}--{host}:{house.server.port}/discover"

    return attack


def _tls(name: str, **certificate: Any) -> Attack:
    """A server with this certificate, asked as product.example."""

    def attack(house: House) -> str:
        secure = house.secure(name, **certificate)
        secure.route("/discover", answer(ODPS))
        return f"https://product.example:{secure.port}/discover"

    return attack


def _inside(**links: str) -> Attack:
    return lambda house: answer(
        {**INDEX, "links": [{"rel": rel, "href": house.canary.url(path)} for rel, path in links.items()]}
    )


def _behind_an_index(**replaced: Any) -> Attack:
    """An honest gateway of which only these interfaces say something else."""

    def attack(house: House) -> str:
        return gateway(house.server, **{name: answer(body) for name, body in replaced.items()})

    return attack


OK_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
ODPS_JSON = json.dumps(ODPS).encode()
PACKED = gzip.compress(ODPS_JSON)
HALF_YAML = b"kind: DataProduct\nname: daily-rain\nstatus: active # and so on\n"
CHUNKED = OK_JSON + b"transfer-encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"

LEADS_ELSEWHERE = (
    Mode("redirect to an internal address", lambda h: redirect(h.canary.url("/secret")),
         "refused_address", "127.0.0.2"),
    Mode("redirect to an internal name", lambda h: redirect(f"http://inside.example:{h.canary.port}/"),
         "refused_address", "127.0.0.2"),
    Mode("redirect to an internal address in other digits", lambda h: redirect(f"http://2130706434:{h.canary.port}/"),
         "refused_address", "127.0.0.2"),
    Mode("redirect to a mapped address", lambda h: redirect(f"http://[::ffff:127.0.0.2]:{h.canary.port}/"),
         "refused_address", "7f00:2"),
    Mode("redirect to itself", _fixed(redirect("/discover")), "bad_redirect", "circle", alone=True),
    Mode("redirects without end", _fixed(wire.new_redirects), "bad_redirect", "more than 4 times", alone=True),
    Mode("redirect to a script", _fixed(redirect("javascript:alert(1)")), "bad_redirect", "cannot be asked"),
    Mode("redirect to a document in the address", _fixed(redirect("data:application/json,{}")), "bad_redirect"),
    Mode("redirect to a file", _fixed(redirect("file:///etc/passwd")), "bad_redirect", "cannot be asked"),
    Mode("redirect to a data store", lambda h: redirect("http://127.0.0.1:6379/"), "bad_redirect", "6379"),
    Mode("redirect with a password", _fixed(redirect("http://user:secret@127.0.0.1/")), "bad_redirect", "password"),
    Mode("redirect with a line break", _fixed(redirect("/x\rSet-Cookie: a=b")), "bad_content", "proper HTTP"),
    Mode("a name that changes between two looks", _named("rebinding.example"), None, "127.0.0.2", alone=True),
    Mode("a name with one internal address of two", _named("both.example"), "refused_address", "127.0.0.2"),
    Mode("a name that is internal", _named("inside.example"), "refused_address", "127.0.0.2"),
    Mode("a name that is a mapped address", _named("mapped.example"), "refused_address", "::ffff:"),
    Mode("a name without an address", _named("empty.example"), "refused_address"),
    Mode("a name that is junk", _named("junk.example"), "refused_address"),
    Mode("a name server that hangs", _named("hanging.example"), "slow", "3 seconds"),
    Mode("an index that leads inside", _inside(metadata="/a", artifacts="/b", contract="/c", health="/d", metrics="/e"),
         None, "127.0.0.2", alone=True),
    Mode("a certificate of another name", _tls("other.example"), "tls", "certificate"),
    Mode("a certificate nobody vouches for", _tls("product.example", vouched=False), "tls", "certificate"),
    Mode("a certificate that is over", _tls("product.example", days=-5), "tls", "certificate"),
    Mode("http where https was said", lambda h: h.server.url("/discover").replace("http:", "https:"), "slow"),
)  # fmt: skip

ANSWERS_BADLY = (
    Mode("gzip bomb", _fixed(hostile.gzip_bomb()), "too_large", "2 MB"),
    Mode("gzip in gzip", _said(gzip.compress(gzip.compress(b"0" * 50_000_000)), content_encoding="gzip, gzip"),
         "bad_content", "decompressed"),
    Mode("deflate bomb", _said(wire.deflate_bomb(), content_encoding="deflate"), "too_large", "2 MB"),
    Mode("compressed nothing without end", _fixed(hostile.empty_gzip_for_ever), "too_large", "2 MB"),
    Mode("gzip that is none", _said(ODPS, content_encoding="gzip"), "bad_content", "decompressed"),
    Mode("half a gzip", _said(gzip.compress(ODPS_JSON)[:-40], content_encoding="gzip"), "bad_content"),
    Mode("a compression nobody asked for", _said(b"\x0b\x02\x80{}\x03", content_encoding="br"), "bad_content"),
    Mode("compression by a name of its own", _said(ODPS, content_encoding="aes128gcm"), "bad_content", "decompressed"),
    Mode("zip bomb", _said(say.zip_bomb(), "application/zip"), "bad_content", "ZIP archive"),
    Mode("a body without end", _fixed(hostile.endless), "too_large", "2 MB"),
    Mode("one byte a second", _fixed(wire.for_ever(OK_JSON + b"\r\n[", b" ", every=1)), "slow", "3 seconds"),
    Mode("chunks without end", _fixed(wire.for_ever(CHUNKED, b"1\r\n \r\n" * 99)),
         "too_large", "2 MB"),
    Mode("slow headers", _fixed(hostile.drip_headers), "slow", "3 seconds"),
    Mode("headers without end", _fixed(wire.many_headers), "bad_content", "proper HTTP"),
    Mode("a header of a megabyte", _fixed(hostile.huge_headers), "bad_content", "proper HTTP"),
    Mode("a status line without end", _fixed(wire.for_ever(b"HTTP/1.1 200 ", b"O" * 8192)), "bad_content"),
    Mode("no answer at all", _fixed(hostile.hang), "slow", "3 seconds"),
    Mode("provisional answers without end", _fixed(wire.for_ever(b"", CONTINUE * 500)), "bad_content", "proper HTTP"),
    Mode("hints without end", _fixed(wire.for_ever(b"", HINTS * 200)), "bad_content", "proper HTTP"),
    Mode("slow provisional answers", _fixed(wire.for_ever(b"", CONTINUE, every=0.5)), "slow", "3 seconds"),
    Mode("another protocol", _fixed(wire.raw(b"HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n")),
         "bad_content", "proper HTTP"),
    Mode("a length that is too long", _said(ODPS, content_length="5000"), "slow", "3 seconds"),
    Mode("a length that is too short", _said(ODPS, content_length="40"), "bad_content", "JSON is broken"),
    Mode("a length that is huge", _said(ODPS, content_length="99999999999999999999"), "bad_content", "proper HTTP"),
    Mode("a length of a terabyte", _said(ODPS, content_length="999999999999"), "too_large", "2 MB"),
    Mode("a length below nothing", _said(ODPS, content_length="-1"), "bad_content", "proper HTTP"),
    Mode("two lengths", _fixed(wire.raw(OK_JSON + b"content-length: 2\r\ncontent-length: 90\r\n\r\n{}")),
         "bad_content", "proper HTTP"),
    Mode("chunked garbage", _fixed(wire.raw(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n")),
         "bad_content", "proper HTTP"),
    Mode("a chunk of a petabyte", _fixed(wire.raw(CHUNKED + b"ffffffffffffff\r\n{",
                                                  close=False)), "slow"),
    Mode("chunk extensions without end", _fixed(wire.for_ever(
        CHUNKED + b"1;", b"a=b;" * 2048)), "too_large", "2 MB"),
    Mode("trailers without end", _fixed(wire.for_ever(
        CHUNKED + b"2\r\n{}\r\n0\r\n", b"".join(b"x-%d: y\r\n" % n for n in range(1000)))), "bad_content",
         "proper HTTP"),
    Mode("one trailer without end", _fixed(wire.for_ever(CHUNKED + b"2\r\n{}\r\n0\r\nx: ", b"y" * 8192)), "too_large"),
    Mode("tiny chunks after the end of a gzip", _fixed(wire.for_ever(
        CHUNKED.replace(b"json\r\n", b"json\r\ncontent-encoding: gzip\r\n", 1)
        + b"%x\r\n%b\r\n" % (len(PACKED), PACKED), b"1\r\n\0\r\n" * 1000)), "too_large", "2 MB"),
    Mode("half a gzip of YAML", _said(gzip.compress(HALF_YAML, 0)[:-20], content_encoding="gzip"), "bad_content",
         "decompressed"),
    Mode("chunked and with a length", _fixed(wire.raw(
        OK_JSON + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
         "bad_content", "proper HTTP"),
    Mode("a header with a NUL byte", _fixed(wire.raw(b"HTTP/1.1 200 OK\r\nx: a\x00b\r\ncontent-length: 2\r\n\r\n{}")),
         "bad_content", "proper HTTP"),
    Mode("not HTTP", _fixed(hostile.not_http), "bad_content", "proper HTTP"),
    Mode("HTTP 0.9", _fixed(wire.raw(ODPS_JSON)), "bad_content", "proper HTTP"),
    Mode("the beginning of HTTP 2", _fixed(wire.raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00")), "bad_content"),
    Mode("reset in the middle", _fixed(hostile.reset), "unreachable", "broke the connection off"),
    Mode("reset before a word", _fixed(wire.says_nothing), "unreachable", "broke the connection off"),
    Mode("status 204", _fixed(wire.raw(b"HTTP/1.1 204 X\r\n\r\n")), "bad_content", "empty"),
    Mode("status 304 unasked", _fixed(answer(b"", 304)), "bad_status", "304"),
    Mode("status 206", _fixed(answer(ODPS_JSON[:50], 206)), "bad_content", "JSON is broken"),
    Mode("status 999", _fixed(answer(b"{}", 999)), "bad_status", "999"),
    Mode("status 451 with a page", _fixed(answer(say.LOGIN_PAGE, 451, content_type="text/html")), "bad_status", "451"),
    Mode("an ETag that is an attack", _said(ODPS, etag="\"a' b\tc\"" + "x" * 5000), None, "daily-rain"),
    Mode("freshness for ever", _said(ODPS, cache_control="max-age=99999999999999999999, immutable", age="-7"), None,
         "daily-rain"),
)  # fmt: skip

SAYS_BADLY = (
    Mode("a web page", _said(say.LOGIN_PAGE, "text/html"), "bad_content", "web page"),
    Mode("a web page said to be JSON", _said(say.LOGIN_PAGE), "bad_content", "web page"),
    Mode("a web page with broken JSON-LD", _said(say.PAGE_WITH_BROKEN_JSON_LD, "text/html"), "bad_content", "JSON-LD"),
    Mode("a picture with script", _said(say.SVG, "image/svg+xml"), "bad_content", "XML"),
    Mode("another character set than said", _said(ODPS_JSON, "application/json; charset=utf-16"), "bad_content"),
    Mode("a character set that is unknown", _said(ODPS, "application/json; charset=klingon"), "bad_content", "klingon"),
    Mode("a character set that fails", _said(ODPS, "application/json; charset=undefined"), "bad_content", "undefined"),
    Mode("a character set that is a codec", _said(ODPS, "application/json; charset=zlib"), "bad_content", "zlib"),
    Mode("Latin 1 without a word", _said('{"kind": "é"}'.encode("latin-1")), "bad_content", "byte 11"),
    Mode("a byte order mark", _said(b"\xef\xbb\xbf" + ODPS_JSON), None, "daily-rain"),
    Mode("UTF-16 with a mark", _said(json.dumps(ODPS).encode("utf-16")), None, "daily-rain"),
    Mode("two byte order marks", _said(b"\xef\xbb\xbf" * 2 + ODPS_JSON), None, "daily-rain"),
    Mode("NUL bytes", _said(b"{\x00}" * 100), "bad_content", "NUL"),
    Mode("NUL characters", _said({**ODPS, "name": "daily\0-rain"}), None, "daily-rain"),
    Mode("deep JSON", _said(b'{"a":' * 300_000 + b"1" + b"}" * 300_000), "bad_content", "nested deeper"),
    Mode("deep lists", _said(b"[" * 1_000_000), "bad_content", "nested deeper"),
    Mode("huge JSON", _said(b"[" + b"1," * 900_000 + b"1]"), "bad_content", "200,000 values"),
    Mode("a number of a million digits", _said(b'{"kind": ' + b"9" * 1_000_000 + b"}"), "bad_content", "number"),
    Mode("numbers that are none", _said(say.odd_numbers()), None, "Rain contract"),
    Mode("deep YAML", _said(b"- " * 100_000, "application/yaml"), "bad_content", "nested deeper"),
    Mode("YAML alias bomb", _said(say.alias_bomb(), "application/yaml"), "bad_content", "aliases"),
    Mode("YAML merge bomb", _said(say.merge_bomb(), "application/yaml"), "bad_content", "aliases"),
    Mode("YAML that calls", _said(b"!!python/object/apply:os.system ['id']", "application/yaml"), "bad_content",
         "YAML"),
    Mode("YAML in a circle", _said(b"a: &a [*a]", "application/yaml"), "bad_content", "alias to itself"),
    Mode("XML entity bomb", _said(say.entity_bomb(), "application/rdf+xml"), "bad_content", "document type"),
    Mode("an entity of a file", _said(say.outside_entity("file:///etc/passwd"), "application/rdf+xml"),
         "bad_content", "document type"),
    Mode("an entity of another host", _canary(say.outside_entity, "application/rdf+xml"), "bad_content",
         "document type"),
    Mode("a DTD of another host", _canary(say.outside_dtd, "application/rdf+xml"), "bad_content", "document type"),
    Mode("JSON-LD with contexts elsewhere", _canary(say.remote_context, "application/ld+json"), None,
         "Rain from afar"),
    Mode("Turtle with imports", _canary(say.turtle_imports, "text/turtle"), None, "Rain with imports"),
    *(
        Mode(f"references elsewhere: {name}", _reference(name), None, "Rain elsewhere")
        for name in say.references("")
    ),
    Mode("links that act", _said(say.dangerous_links()), None, "rain-links"),
    Mode("2,500 columns", _said(say.wide_contract(2_500)), None, "Rain contract"),
    Mode("50,000 columns", _said(say.wide_contract(50_000)), None, "Rain contract"),
    Mode("100,000 columns", _said(say.wide_contract(100_000)), "bad_content", "200,000 values"),
    Mode("columns within columns", _said(say.deep_columns(25)), None, "Rain contract"),
    Mode("text that hides and turns", _said(say.odd_texts()), None),
    Mode("an index of itself", _said(say.itself()), None, alone=True),
    Mode("5,000 contracts", _said(say.many_contracts()), None, alone=True),
    Mode("ids with path tricks", _behind_an_index(artifacts=say.tricky_ids(), index=say.tricky_index()), None,
         "artifact 7", alone=True),
    Mode("a sample of 100,000 columns", _behind_an_index(sample={**SAMPLE, "columns": ["c"] * 100_000}), None, "rain",
         alone=True),
    Mode("a sample of odd cells", _behind_an_index(sample={**SAMPLE, "rows": say.odd_cells()}), None, "rain",
         alone=True),
    Mode("100,000 checks and figures", _behind_an_index(health=say.many_checks(), metrics=say.many_figures()), None,
         "rain", alone=True),
    Mode("an empty object", _said({}), "unknown_format", "none of the formats"),
    Mode("an empty list", _said([]), "unknown_format", "none of the formats"),
    Mode("only blanks", _said(b" \n" * 1000), "bad_content", "empty"),
    Mode("every value null", _said(dict.fromkeys(CONTRACT) | {"kind": "DataContract"}), None),
    Mode("every value of another kind", _said({key: [{"x": [1]}] for key in ODPS} | {"kind": "DataProduct"}), None),
    Mode("keys that are attacks", _said({"kind": "DataProduct", "name": "daily-rain",
                                         "__proto__": {"x": 1}, "constructor": 1, "__class__": "x", "<script>": 1}),
         None, "daily-rain"),
    Mode("raw deflate", _said(zlib.compress(ODPS_JSON)[2:-4], content_encoding="deflate"), None, "daily-rain"),
)  # fmt: skip

MODES = (*LEADS_ELSEWHERE, *ANSWERS_BADLY, *SAYS_BADLY)
