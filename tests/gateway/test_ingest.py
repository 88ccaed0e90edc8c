"""Rows are checked at the door: good ones are added, bad ones refused with reasons, both are counted."""

import pytest

from gateway import grants
from gateway.ingestcounts import counts

from .conftest import RAIN, write
from .house import House
from .issuer import Issuer

PROPERTIES = [
    {"name": "station", "logicalType": "string", "required": True, "unique": True,
     "logicalTypeOptions": {"maxLength": 5, "pattern": "^[A-Z]"}},
    {"name": "mm", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
    {"name": "day", "logicalType": "date"},
]  # fmt: skip


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def house(folder, client_of, issuer):
    schema = [{"name": "rain", "physicalType": "table", "properties": PROPERTIES}]
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "schema": schema})
    (folder / "data" / "rain.csv").write_text("station,mm,day\nS0,1,2024-02-29")
    return House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"ingest": True}}})


@pytest.fixture
def send(house, issuer):
    def sending(content, media="application/json", scope=None, name="rain"):
        headers = issuer.bearer(scope or f"ingest:{house.ids[name]}", sub="sensor")
        kind = {"content": content} if isinstance(content, bytes) else {"json": content}
        return house.client.post(f"/ingest/{house.ids[name]}", headers={**headers, "Content-Type": media}, **kind)

    return sending


def text(house):
    return (house.folder / "data" / "rain.csv").read_text()


def test_good_rows_are_added_and_bad_ones_told_why(house, send):
    rows = [
        {"station": 'A,"1\n', "mm": 2.5, "day": "2024-03-01"},
        {"station": "B"},
        {"mm": 1},
        {"station": "C", "mm": -1},
        {"station": "D", "mm": "1"},
        {"station": "d"},
        {"station": "EEEEEE"},
        {"station": "F", "day": "2024-02-30"},
        {"station": "G", "colour": "red"},
        {"station": "S0"},
        {"station": "B"},
        {"station": 7},
        {"station": "H", "mm": True},
        {"station": "I\0"},
    ]
    answer = send(rows)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["accepted"], body["refused"]) == (2, 12)
    told = {row["row"]: row["reasons"][0] for row in body["rows"]}
    assert told == {
        3: "station: a value is required", 4: "mm: does not keep to minimum 0", 5: "mm: is not of type number",
        6: "station: does not keep to pattern ^[A-Z]", 7: "station: does not keep to maxLength 5",
        8: "day: is not of type date", 9: "colour: the contract has no such column",
        10: "station: must be unique, and is there already", 11: "station: must be unique, and is there already",
        12: "station: is not of type string", 13: "mm: is not of type number", 14: "station: holds a NUL character",
    }  # fmt: skip
    assert text(house) == 'station,mm,day\nS0,1,2024-02-29\n"A,""1\n",2.5,2024-03-01\nB,,\n'
    [kept] = counts(house.client.app.state.context.state).values()
    assert (kept["accepted"], kept["refused"], kept["calls"]) == (2, 12, 1)
    assert (house.log()[0]["consumer"], house.log()[0]["action"], house.log()[0]["rows"]) == ("sensor", "ingest", 2)


def test_csv_and_json_lines_are_taken_too(house, send):
    assert send(b"mm,station\n3,A\nx,B\n", "text/csv").json()["rows"] == [
        {"row": 2, "reasons": ["mm: is not of type number"]}
    ]
    assert send(b'{"station": "C"}\n\n{"station": "D", "mm": 4}\n', "application/x-ndjson").json()["accepted"] == 2
    assert text(house).splitlines()[2:] == ["A,3,", "C,,", "D,4,"]


def test_when_no_row_is_good_it_is_a_problem_with_the_reasons(house, send):
    before = text(house)
    answer = send([{"mm": 1}])
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["rows"] == [{"row": 1, "reasons": ["station: a value is required"]}]
    assert text(house) == before


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [(b"", "application/json", 400), (b"[]", "application/json", 400), (b"{", "application/json", 400),
     (b"[1]", "application/json", 400), (b'[{"mm": NaN}]', "application/json", 400), (b"\xff", "text/csv", 400),
     (b"a,a\n1,2\n", "text/csv", 400), (b"a\n1,2\n", "text/csv", 400), (b'a\n"x', "text/csv", 400),
     (b"[" * 100_000, "application/json", 400), (b"<x/>", "application/xml", 415), (b"x", "", 415),
     (b"x" * 5_000_001, "text/csv", 413), (b"station\n" + b"A\n" * 10_001, "text/csv", 413)],
    ids=range(14),
)  # fmt: skip
def test_bodies_that_hold_no_rows(house, send, content, media, status):
    before = text(house)
    answer = send(content, media)
    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
    assert text(house) == before


@pytest.mark.parametrize("scope", ["consume", "ingest:other", "control"])
def test_ingest_needs_its_scope(house, send, scope):
    assert send([{"station": "A"}], scope=scope).status_code == 403
    assert house.client.post(f"/ingest/{house.ids['rain']}", json=[]).status_code == 401


def test_an_artifact_that_takes_no_rows_says_so(house, send):
    answer = send([{"station": "A"}], name="how-to")
    assert (answer.status_code, "takes no rows" in answer.json()["detail"]) == (403, True)


def test_rows_from_many_at_once_are_all_there_and_whole(house, send):
    import threading

    threads = [threading.Thread(target=send, args=([{"station": f"A{n:02}{m}"} for m in range(5)],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    lines = text(house).splitlines()[2:]
    assert sorted(lines) == sorted(f"A{n:02}{m},," for n in range(8) for m in range(5))
