"""RDF and the JSON-LD of web pages become plain documents; nothing they name is fetched, nothing grows endlessly."""

import asyncio
import contextlib
import json
import socket
import time
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.live import rdf
from marketplace.live.breaker import HostLimit
from marketplace.live.caller import Caller
from marketplace.live.errors import FetchError
from marketplace.live.formats import dcat, recognise, schema_org
from marketplace.live.http import Door
from marketplace.live.parsing import parse
from tests import aio

from .conftest import ALLOWED
from .hostile import answer

TURTLE = b"""# a comment first
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
<#rain> a dcat:Dataset ; dct:title "Rain"@en, "Regen"@de ; dcat:distribution [ dcat:downloadURL <files/rain.csv> ] .
"""
RDF_XML = b"""<?xml version="1.0" encoding="utf-16"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcat="http://www.w3.org/ns/dcat#"
 xmlns:dct="http://purl.org/dc/terms/"><dcat:Dataset rdf:about="https://data.example/rain">
 <dct:title>R\xc3\xa9gen</dct:title></dcat:Dataset></rdf:RDF>"""
N_TRIPLES = b'<https://data.example/rain> <http://purl.org/dc/terms/title> "Rain" .\n'


def refused(body: bytes, *args) -> FetchError:
    with pytest.raises(FetchError) as caught:
        parse(body, *args)
    assert caught.value.kind == "bad_content"
    return caught.value


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to look a name up or to open a connection is recorded, and fails."""
    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.mark.parametrize("media_type", ["text/turtle", "text/plain", "application/octet-stream", ""])
def test_turtle_is_read_whatever_it_is_called(media_type):
    document = parse(TURTLE, media_type, None, "https://data.example/catalog")
    first = document["@graph"][0]
    assert first["@id"] == "https://data.example/catalog#rain"
    assert first["@type"] == ["http://www.w3.org/ns/dcat#Dataset"]
    assert {"@value": "Regen", "@language": "de"} in first["http://purl.org/dc/terms/title"]
    view = dcat.product(document, "https://data.example/catalog")
    assert view.title == "Rain"
    assert view.artifacts[0].links == {"download": "https://data.example/files/rain.csv"}


def test_rdf_xml_and_n_triples_are_read_and_a_wrong_encoding_in_the_declaration_harms_nothing():
    document = parse(RDF_XML, "application/xml")
    assert document["@graph"][0]["http://purl.org/dc/terms/title"] == [{"@value": "Régen"}]
    document = parse(N_TRIPLES, "text/plain")
    assert document["@graph"][0]["@id"] == "https://data.example/rain"


def test_the_same_document_gives_the_same_nodes_in_its_own_order():
    body = b"@prefix dct: <http://purl.org/dc/terms/> .\n" + b"".join(
        b"<https://x.example/%d> dct:title 'n%d' ; dct:creator [ dct:title 'p%d' ] .\n" % (n, n, n) for n in range(30)
    )
    first, second = parse(body), parse(body)
    assert first == second
    titled = [node["@id"] for node in first["@graph"] if node["@id"].startswith("https")]
    assert titled == [f"https://x.example/{n}" for n in range(30)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"@prefix dct: <http://purl.org/dc/terms/> .\n<#a> dct:title .", "line 2"),
        (b"@prefix dct: <http://purl.org/dc/terms/> .\n<#a> nope:title 'x' .", "line 2"),
        (RDF_XML.replace(b"</rdf:RDF>", b""), "line 4"),
        (b"<!DOCTYPE rdf:RDF [<!ENTITY a 'b'>]>" + RDF_XML.partition(b"?>")[2], "document type"),
        (b"<!-- <a> -->\n<!doctype x SYSTEM 'http://127.0.0.1/x.dtd'>" + RDF_XML.partition(b"?>")[2], "document type"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "XML"),
    ],
)
def test_broken_and_forbidden_rdf_is_named_with_its_place(body, said, no_network):
    assert said in refused(body).message
    assert not no_network


def test_literals_that_would_grow_or_open_another_parser_stay_as_written():
    bomb = '<!DOCTYPE a [<!ENTITY b \\"bb\\"><!ENTITY c \\"&b;&b;\\">]><a>&c;</a>'
    body = f"""@prefix x: <http://www.w3.org/2001/XMLSchema#> .
    @prefix r: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
    <http://x.example/a> <http://x.example/p> "1e999999999"^^x:decimal, "{bomb}"^^r:XMLLiteral,
    "<script>1</script>"^^r:HTML, "{"9" * 9000}"^^x:integer .
    """
    started = time.perf_counter()
    values = [entry["@value"] for entry in parse(body.encode())["@graph"][0]["http://x.example/p"]]
    assert time.perf_counter() - started < 5
    assert values[0] == "1e999999999"
    assert values[1] == bomb.replace('\\"', '"')
    assert values[2] == "<script>1</script>"
    assert values[3] == "9" * 9000


def test_the_number_of_statements_and_the_depth_are_bounded():
    many = b"@prefix : <http://x.example/> .\n" + b":a :b " + b",".join(b"%d" % n for n in range(rdf.MAX_TRIPLES + 1))
    assert "statements" in refused(many + b" .").message
    deep = b"@prefix : <http://x.example/> .\n:a :b " + b"[ :b " * 5000 + b":c" + b"]" * 5000 + b" ."
    assert "deep" in refused(deep).message


def test_contexts_by_address_are_never_fetched(no_network):
    hostile = {
        "@context": [
            "http://127.0.0.1:9/context.jsonld",
            {"@import": "http://127.0.0.1:9/other.jsonld", "dcat": "http://www.w3.org/ns/dcat#"},
            {"distribution": {"@id": "dcat:distribution", "@context": "file:///etc/passwd"}},
        ],
        "@type": "dcat:Dataset",
        "@id": "https://data.example/rain",
        "title": "Rain",
        "distribution": {"@context": "http://127.0.0.1:9/inner", "downloadURL": "https://data.example/rain.csv"},
    }
    view = dcat.product(hostile, "https://data.example/")
    assert view.title == "Rain"
    assert view.artifacts[0].links["download"] == "https://data.example/rain.csv"
    page = {"@context": "http://schema.org.evil.example/", "@type": "Dataset", "name": "x"}
    for document in (hostile, page, {**page, "@context": "https://schema.org"}):
        with contextlib.suppress(FetchError):
            recognise(document).product(document, "https://data.example/")
    assert no_network == []


def test_a_term_defined_by_itself_and_a_huge_context_are_refused():
    context = {"a": "b:x", "b": "a:y", "dcat": "http://www.w3.org/ns/dcat#"}
    circle = {"@context": context, "@type": "dcat:Dataset", "a": 1}
    try:
        dcat.product(circle, None)
    except FetchError as error:
        assert error.kind == "bad_content"
    huge = {"@context": {f"t{n}": f"http://x.example/{n}" for n in range(rdf.MAX_CONTEXT_TERMS + 1)}, "@id": "x"}
    with pytest.raises(FetchError, match="terms"):
        rdf.from_json_ld(huge, {})


def test_a_web_page_gives_the_json_ld_it_carries():
    dataset = {"@context": "https://schema.org/", "@type": "Dataset", "name": "Rain", "description": "Rain in\nFrance"}
    page = (
        "<!doctype html><title>x</title><script>var a = '<script>';</script>"
        '<!-- <script type="application/ld+json">{"@type": "Dataset", "name": "commented out"}</script> -->'
        '<SCRIPT TYPE=\'application/ld+json; charset=utf-8\'>[{"@type": "Organization", "name": "Y"}]</SCRIPT>'
        f"<script id=a type=application/ld+json>{json.dumps(dataset).replace(chr(92) + 'n', chr(10))}</script>"
        '<script type="application/ld+json">{broken</script>'
    )
    document = parse(page.encode(), "text/html")
    assert [thing["name"] for thing in document] == ["Y", "Rain"]
    assert recognise(document) is schema_org
    assert schema_org.product(document, "https://data.example/").title == "Rain"


def test_a_web_page_without_a_description_says_so():
    assert "no description" in refused(b"<html><body>Sign in</body></html>", "text/html").message
    assert "broken" in refused(b"<html><script type='application/ld+json'>{</script>", "text/html").message
    other = parse(b'<html><script type=\'application/ld+json\'>{"@type": "WebSite"}</script>', "text/html")
    with pytest.raises(FetchError, match="WebSite"):
        recognise(other)


@pytest.mark.parametrize(
    "unit", ["<script>", "<script type='application/ld+json'>", "<!--", "<!---->", "<script ", "<", "</script"]
)
def test_a_hostile_page_costs_no_more_than_its_length(unit):
    body = ("<html>" + unit * (1_000_000 // len(unit))).encode()
    started = time.perf_counter()
    refused(body, "text/html")
    refused((unit * (1_000_000 // len(unit))).encode(), "")
    assert time.perf_counter() - started < 10


def test_a_dataset_of_a_catalogue_is_asked_for_by_its_fragment_which_never_travels(server, fresh_redis):
    catalogue = b"""@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <#rain> a dcat:Dataset ; dct:title "Rain" . <#snow> a dcat:Dataset ; dct:title "Snow" ; dct:identifier "s 1" ;
      dcat:distribution [ dcat:downloadURL <snow.csv> ] ."""
    server.route("/data/catalog", answer(catalogue, content_type="text/turtle"))
    url = server.url("/data/catalog")

    async def ask(address):
        door = Door(ALLOWED)
        try:
            read = lambda document, base: recognise(document).product(document, base)  # noqa: E731
            caller = Caller(door, HostLimit(), asyncio.get_running_loop().time() + 10)
            return (await caller.call(address, read, report=lambda outcome: None)).view
        finally:
            await door.aclose()

    with pytest.raises(FetchError) as caught:
        aio.run(ask(url))
    assert caught.value.kind == "is_catalogue"
    assert f"{url}#rain" in caught.value.advice.replace("%23", "#")
    view = aio.run(ask(f"{url}#dataset=s%201"))
    assert view.title == "Snow"
    assert view.artifacts[0].links == {"download": server.url("/data/snow.csv")}
    assert aio.run(ask(f"{url}#dataset={quote(url + '#rain', safe='')}")).title == "Rain"
    assert "text/turtle" in server.seen[-1].headers["accept"]
    assert server.requests["/data/catalog"] == 3


PIECES = [
    *("<#a>", " a ", "dcat:Dataset", " .", "[", "]", "(", ")"),
    *('"x"', "@en", "^^dcat:x", ";", ",", "_:b", ">", "\n", "#"),
    *("<http://x.example/", "\\u0000", "'''", "1e9", "=", "{", "}", "</rdf:RDF>", "rdf:about='\x01'"),
    "@prefix dcat: <http://www.w3.org/ns/dcat#> .\n",
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>",
]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join), st.sampled_from(["turtle", "xml"]))
def test_any_rdf_gives_a_document_or_a_reason(text, syntax):
    try:
        document = rdf.from_text(text, syntax)
    except FetchError as error:
        assert error.kind == "bad_content"
        assert len(error.message) > 15
    else:
        json.dumps(document, ensure_ascii=False).encode()
