"""Bytes from outside end as a plain, bounded, clean document or as a clear reason."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketplace.live.errors import FetchError
from marketplace.live.parsing import MAX_DEPTH, MAX_NODES, parse


def refused(body: bytes, *args) -> FetchError:
    with pytest.raises(FetchError) as caught:
        parse(body, *args)
    assert caught.value.kind == "bad_content"
    assert len(caught.value.message) > 15
    assert len(caught.value.advice) > 15
    return caught.value


def test_json_and_yaml_give_the_same_document():
    expected = {"kind": "DataProduct", "tags": ["a", "b"], "n": 1, "f": 1.5, "yes": True, "none": None}
    text = "kind: DataProduct\ntags: [a, b]\nn: 1\nf: 1.5\nyes: true\nnone: null\n"
    assert parse(json.dumps(expected).encode(), "application/json") == expected
    assert parse(text.encode(), "application/yaml") == expected
    assert parse(text.encode(), "text/plain") == expected
    assert parse(json.dumps(expected).encode(), "application/yaml") == expected
    assert parse(b"{kind: DataProduct}", "application/json") == {"kind": "DataProduct"}


def test_yaml_scalars_stay_as_written():
    text = b"""
date: 2024-02-29
stamp: 2024-02-29T10:30:00Z
time: 12:30:45
country: NO
switch: on
code: 007
hex: 0x1F
variable: ${REGION:-eu-west-1}
plain: yes
binary: !!binary aGVsbG8=
big: 123456789012345678901234567890
inf: 1e999
"""
    assert parse(text) == {
        "date": "2024-02-29",
        "stamp": "2024-02-29T10:30:00Z",
        "time": "12:30:45",
        "country": "NO",
        "switch": "on",
        "code": "007",
        "hex": 31,
        "variable": "${REGION:-eu-west-1}",
        "plain": "yes",
        "binary": "aGVsbG8=",
        "big": "123456789012345678901234567890",
        "inf": "1e999",
    }


def test_line_breaks_and_tabs_within_json_texts_are_read_as_meant():
    assert parse(b'{"summary": "two\n\tlines\x01"}', "application/json") == {"summary": "two\n\tlines\x01"}


def test_json_numbers_that_are_none_become_texts():
    assert parse(b'{"a": NaN, "b": -Infinity, "c": 1e999}') == {"a": "NaN", "b": "-Infinity", "c": "1e999"}
    json.dumps(parse(b"[NaN, 1e999]"), allow_nan=False)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + b'{"a": "\xc3\xa9"}',
        '{"a": "é"}'.encode("utf-16"),
        b"\xfe\xff" + '{"a": "é"}'.encode("utf-16-be"),
        b"\xff\xfe\x00\x00" + '{"a": "é"}'.encode("utf-32-le"),
    ],
)
def test_a_byte_order_mark_decides_the_character_set(body):
    assert parse(body, "application/json", "iso-8859-1") == {"a": "é"}


def test_a_named_character_set_is_used_and_a_wrong_one_is_said():
    assert parse('{"a": "é"}'.encode("latin-1"), "application/json", "iso-8859-1") == {"a": "é"}
    assert "byte 8" in refused('{"a": "é"}'.encode("latin-1"), "application/json", "utf-8").message
    assert "byte 8" in refused('{"a": "é"}'.encode("latin-1"), "application/json", None).message
    for charset in ("rot13", "zip", "utf-7", "unicode_escape", "idna", "klingon", "\x00", "utf-8; x"):
        assert "character set" in refused(b"{}", "application/json", charset).message


@pytest.mark.parametrize(
    ("body", "media_type", "said"),
    [
        (b"", "", "empty"),
        (b"  \n\t ", "application/json", "empty"),
        (b"<!doctype html><html><body>Sign in</body></html>", "text/html", "web page"),
        (b"\n <!-- hi --> <HTML><body>", "application/json", "web page"),
        (b"anything", "text/html", "web page"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml", "XML"),
        (b"just some words", "text/plain", "plain text"),
        (b"42", "application/json", "plain text"),
        (b'{"a": 1', "application/json", "line 1"),
        (b'{"a": 1,}', "application/json", "line 1"),
        (b'{"a": 1} trailing', "application/json", "line 1"),
        (b"a: b: c", "application/yaml", "line 1"),
        (b"a: [1, 2", "application/yaml", "line"),
        (b"a: !!python/object/apply:os.system ['true']", "application/yaml", "YAML"),
        (b"--- a\n--- b\n", "application/yaml", "YAML"),
        (b"? {a: b}\n: c\n", "application/yaml", "YAML"),
        (b'{"a": "\x00"}', "application/json", "NUL"),
        (b"PK\x03\x04\x00\x00", "application/zip", "ZIP archive"),
        (b"\x1f\x8b\x08\x00", "application/json", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "image/png", "picture"),
        (b"%PDF-1.7\n", "text/plain", "PDF"),
        (b"\xfa\xfb\x00", "application/json", "utf-8"),
        (b'{"a": ' + b"9" * 5000 + b"}", "application/json", "number"),
    ],
)
def test_what_is_no_descriptor_is_named_for_what_it_is(body, media_type, said):
    assert said in refused(body, media_type).message


def test_depth_is_bounded_in_json_and_yaml():
    deep = MAX_DEPTH + 10
    for depth in (deep, 100_000):
        assert "nested" in refused(b"[" * depth + b"]" * depth, "application/json").message
        assert "nested" in refused(b'{"a":' * depth + b"1" + b"}" * depth, "application/json").message
    assert "nested" in refused(b"[" * deep + b"]" * deep, "application/yaml").message
    assert "nested" in refused(b"- " * 50_000 + b"x", "application/yaml").message
    fits = MAX_DEPTH - 2
    assert parse(b"[" * fits + b"]" * fits)


def test_the_number_of_values_is_bounded():
    assert "values" in refused(b"[" + b"1," * MAX_NODES + b"1]", "application/json").message
    assert "values" in refused(b"- 1\n" * (MAX_NODES + 1), "application/yaml").message


def test_an_alias_bomb_is_refused_before_it_is_built():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.perf_counter()
    assert "aliases" in refused("\n".join(lines).encode(), "application/yaml").message
    assert time.perf_counter() - started < 2


def test_a_merge_key_bomb_and_a_circle_are_refused():
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    refused("\n".join(lines).encode(), "application/yaml")
    assert "itself" in refused(b"&a [*a]", "application/yaml").message
    assert "itself" in refused(b"a: &a {b: *a}", "application/yaml").message


def test_honest_aliases_are_read():
    assert parse(b"team: &t {name: x}\nowner: *t\nmore: {<<: *t, role: y}\n") == {
        "team": {"name": "x"},
        "owner": {"name": "x"},
        "more": {"name": "x", "role": "y"},
    }


def test_text_is_clean_of_what_databases_and_encoders_refuse():
    document = parse(b'{"a\\u0000b": "x\\u0000y", "s": "\\ud800", "ok": "\\ud83d\\ude00"}')
    assert document == {"ab": "xy", "s": "\ufffd", "ok": "\U0001f600"}
    json.dumps(document, ensure_ascii=False).encode()
    assert parse(b"1: a\n2.5: b\n") == {"1": "a", "2.5": "b"}


def test_two_megabytes_of_yaml_are_refused_or_read_in_bounded_time():
    started = time.perf_counter()
    refused(b"- {a: b, c: [d, e]}\n" * 100_000, "application/yaml")
    assert time.perf_counter() - started < 10


yaml_like = st.lists(
    st.sampled_from(
        [
            "a",
            ": ",
            "- ",
            "\n",
            "  ",
            "&x ",
            "*x",
            "<<",
            "? ",
            "!!set ",
            "!!omap ",
            "!!pairs ",
            "!!python/name:os.system ",
            "!!int ",
            "!!float ",
            "!!null ",
            "!!bool ",
            "!!timestamp ",
            "!!binary ",
            "!!str ",
            "!x ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "|",
            ">",
            "'",
            '"',
            "#",
            "---",
            "...",
            "%YAML 1.2",
            "0x",
            "0o8",
            "1e5",
            "+",
            ".",
            "~",
            "\\ud800",
            "\x85",
            "\ufeff",
        ]
    ),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(st.characters(codec="utf-8"), max_size=60).map(str.encode)
    | yaml_like.map(lambda text: text.encode())
)
@example(b"!!int x: 1")
@example(b"!!set {a, b}")
@example(b"!!omap [a: 1]")
@example(b"<<: 1")
@example(b"!!timestamp [1]: x")
@example(b"a: 0o9")
def test_any_bytes_give_a_clean_document_or_a_reason(body):
    try:
        document = parse(body)
    except FetchError as error:
        assert error.kind == "bad_content"
    else:
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def test_comments_before_anything_else_cost_no_time_and_hide_no_web_page():
    started = time.perf_counter()
    for comments in (b"<!---->" * 280, b"<!-- a -->\n" * 150, b"<!--" * 500, b"<!---->" * 250_000):
        assert "XML" in refused(comments + b"x").message
    assert time.perf_counter() - started < 2
    page = b"\n<!-- saved from --><!---->\n <!DOCTYPE  html><html></html>"
    assert "web page" in refused(page, "text/plain").message
