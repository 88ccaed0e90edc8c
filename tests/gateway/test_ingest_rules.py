"""The door enforces what the contract says of a row, takes the rest, and never spoils the file it adds to."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway import grants, ingest
from gateway.quality.engine import Engine
from gateway.quality.results import holds
from gateway.quality.rules import rules_of
from gateway.rowcheck import MAX_CELL, MAX_DEPTH, RowCheck, without_repeats
from gateway.sources import Brought, Source

from .conftest import RAIN, write
from .house import House
from .issuer import Issuer
from .test_observing import SOON

NEVER = {"mustBe": 0}
PROPERTIES = [
    {"name": "station", "logicalType": "string", "required": True, "unique": True},
    {"name": "kind", "logicalType": "string", "enum": [{"value": "rain"}, {"value": "snow"}]},
    {"name": "grade", "logicalType": "integer",
     "quality": [{"metric": "invalidValues", **NEVER, "arguments": {"validValues": [1, "2", 3]}}]},
    {"name": "code", "logicalType": "string",
     "quality": [{"metric": "invalidValues", "mustBeLessThan": 1, "arguments": {"pattern": "^[A-Z]{2}$"}},
                 {"metric": "missingValues", **NEVER, "arguments": {"missingValues": ["NA", "NN"]}}]},
    {"name": "mm", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0},
     "quality": [{"metric": "nullValues", **NEVER}]},
    {"name": "day", "logicalType": "date", "logicalTypeOptions": {"minimum": "2024-01-01"}},
    {"name": "seen", "logicalType": "timestamp"},
    {"name": "mail", "logicalType": "string", "logicalTypeOptions": {"format": "email"}},
    {"name": "parts", "logicalType": "array", "logicalTypeOptions": {"maxItems": 2}},
    {"name": "free"},
]  # fmt: skip
SCHEMA = {
    "name": "rain", "physicalType": "table", "properties": PROPERTIES,
    "quality": [{"metric": "duplicateValues", **NEVER, "arguments": {"properties": ["kind", "day"]}},
                {"metric": "rowCount", "mustBeLessThan": 2},
                {"metric": "nullValues", "arguments": {"properties": ["mail"]}, **NEVER, "severity": "warning"}],
}  # fmt: skip
GOOD = {"station": "A", "mm": 1}


def reasons(row, text=False):
    return RowCheck({"schema": [SCHEMA]}, text=text).reasons(row)


REFUSED = {
    "no allowed value": ({"kind": "hail"}, "kind: is none of the allowed values"),
    "no valid value": ({"grade": 4}, "grade: is none of the allowed values"),
    "not of the pattern": ({"code": "ab"}, "code: does not keep to pattern ^[A-Z]{2}$"),
    "a value for a missing one": ({"code": "NA"}, "code: is a value that stands for a missing one"),
    "a null by a rule": ({"mm": None}, "mm: a value is required"),
    "at an exclusive limit": ({"mm": 0}, "mm: does not keep to exclusiveMinimum 0"),
    "too early": ({"day": "2023-12-31"}, "day: does not keep to minimum 2024-01-01"),
    "no day": ({"day": "2024-02-30"}, "day: is not of type date"),
    "a week for a day": ({"day": "2024-W05-1"}, "day: is not of type date"),
    "a day for an instant": ({"seen": "2024-02-29"}, "seen: is not of type timestamp"),
    "no address": ({"mail": "me at home"}, "mail: does not keep to format email"),
    "too many items": ({"parts": [1, 2, 3]}, "parts: does not keep to maxItems 2"),
    "not a list": ({"parts": {}}, "parts: is not of type array"),
    "a NUL where no type is": ({"free": "a\0"}, "free: holds a NUL character"),
    "a NUL deep inside": ({"parts": [{"a": ["\0"]}]}, "parts: holds a NUL character"),
    "half a character inside": ({"parts": ["\ud800"]}, "parts: holds half a character"),
    "infinity where no type is": ({"free": float("inf")}, "free: is not a number that JSON has"),
    "NaN inside": ({"parts": [float("nan")]}, "parts: is not a number that JSON has"),
    "huge": ({"free": "x" * (MAX_CELL + 1)}, f"free: is longer than {MAX_CELL} characters"),
    "huge in all": ({"parts": ["x" * (MAX_CELL // 2), "x" * (MAX_CELL // 2)]}, f"parts: is longer than {MAX_CELL}"),
    "deep": ({"parts": json.loads("[" * 40 + "]" * 40)}, f"parts: is nested deeper than {MAX_DEPTH} levels"),
    "an integer too large": ({"grade": 2**127}, "grade: is not of type integer"),
    "true for a number": ({"mm": True}, "mm: is not of type number"),
}


@pytest.mark.parametrize(("row", "said"), REFUSED.values(), ids=REFUSED)
def test_what_the_contract_says_of_a_row_is_enforced(row, said):
    assert reasons(GOOD) == []
    [reason] = reasons({**GOOD, **row})
    assert reason.startswith(said)


ALLOWED = [{"kind": "snow"}, {"kind": None}, {"grade": 2}, {"code": "AB"}, {"day": "2024-01-01"}, {"mail": "a@b.org"},
           {"seen": "2024-02-29T10:30:00.5+02:00"}, {"parts": [1, "a"]}, {"free": {"any": [1]}},
           {"free": 10**400}]  # fmt: skip


@pytest.mark.parametrize("row", ALLOWED)
def test_what_it_allows_is_taken(row):
    assert reasons({**GOOD, **row}) == []


def test_values_are_unique_as_what_they_are_and_not_as_they_are_written():
    properties = [{"name": "n", "logicalType": "number", "unique": True},
                  {"name": "seen", "logicalType": "timestamp", "unique": True}]  # fmt: skip
    check = RowCheck({"schema": [{"name": "t", "properties": properties}]})
    check.learn([{"n": "1.0", "seen": "2024-01-01T12:00:00+02:00"}])
    assert check.reasons({"n": 1}) == ["n: must be unique, and is there already"]
    assert check.reasons({"n": 2, "seen": "2024-01-01T10:00:00Z"}) == ["seen: must be unique, and is there already"]
    assert check.reasons({"n": 2}) == []
    assert check.reasons({"n": None}) == [], "nothing is not twice the same"


def test_two_columns_together_may_be_unique():
    check = RowCheck({"schema": [SCHEMA]})
    assert check.reasons({**GOOD, "kind": "rain", "day": "2024-05-01"}) == []
    again = check.reasons({**GOOD, "station": "B", "kind": "rain", "day": "2024-05-01"})
    assert again == ["kind, day: must be unique, and is there already"]
    assert check.reasons({**GOOD, "station": "B", "kind": "snow", "day": "2024-05-01"}) == []


def test_a_limit_that_is_exclusive_by_true_is():
    options = {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    column = {"name": "n", "logicalType": "integer", "logicalTypeOptions": options}
    check = RowCheck({"schema": [{"name": "t", "properties": [column]}]})
    assert [check.reasons({"n": n}) for n in (1, 9)] == [[], []]
    assert check.reasons({"n": 0}) == ["n: does not keep to minimum 0"]
    assert check.reasons({"n": 10}) == ["n: does not keep to maximum 9"]


def test_dates_in_another_form_are_read_in_that_form():
    column = {"name": "day", "logicalType": "date", "logicalTypeOptions": {"format": "dd.MM.yyyy"}}
    check = RowCheck({"schema": [{"name": "t", "properties": [column]}]}, text=True)
    assert check.reasons({"day": "29.02.2024"}) == []
    assert check.reasons({"day": "2024-02-29"}) == ["day: is not of type date"]


# -- the law: the door and the measuring agree ------------------------------------------------------------------------

WORDS = st.text(string.printable + "é\u2028ß", max_size=6)
NUMBERS = st.one_of(st.integers(-5, 5), st.floats(allow_nan=True), st.integers())
DAYS = st.one_of(st.dates().map(str), st.datetimes().map(lambda when: when.isoformat()), WORDS)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"station": st.one_of(st.text("AB", min_size=1, max_size=3), WORDS),
         "mm": st.one_of(st.floats(0.1, 9), NUMBERS)},
        optional={
            "kind": st.sampled_from(["rain", "snow", "hail", "", None]), "grade": st.one_of(st.integers(1, 3), NUMBERS),
            "code": st.sampled_from(["AB", "NA", "x", None]), "day": DAYS, "seen": DAYS,
            "mail": st.sampled_from(["a@b.org", "a@b", "a\n@b.org", None]),
            "parts": st.lists(st.one_of(NUMBERS, WORDS), max_size=3), "free": st.one_of(WORDS, st.booleans(), NUMBERS),
        },
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # it loads DuckDB
@given(rows=ROWS, form=st.sampled_from(["csv", "jsonl"]))
def test_rows_that_were_taken_keep_every_rule_of_the_row_when_measured(tmp_path_factory, rows, form):
    check = RowCheck({"schema": [SCHEMA]})
    good = [ingest.cleaned(row) for row in rows if not check.reasons(row)]
    path = tmp_path_factory.mktemp("law") / f"rain.{form}"
    columns = [declared["name"] for declared in PROPERTIES]
    path.write_text(",".join(columns) + "\n" if form == "csv" else "")
    with path.open("r+b") as file:
        if good:
            ingest._append(file, good, Source("file", form, str(path)), columns, ",")
    if form == "jsonl" and not good:
        return
    engine = Engine(Brought([path], form), SCHEMA, 64, 10)
    assert engine.rows == len(good)
    for rule in rules_of({"schema": [SCHEMA]}):
        if rule.unmeasured or rule.metric in ("rowCount", "missingProperties") or rule.severity == "warning":
            continue
        names = rule.arguments.get("properties") or [rule.property]
        if all(name in engine.columns for name in names):
            value, _ = engine.measure(rule.as_job())
            assert holds(value, rule.threshold), (rule.id, value, good)


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def house(folder, client_of, issuer):
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "schema": [SCHEMA]})
    (folder / "data" / "rain.csv").write_text(",".join(declared["name"] for declared in PROPERTIES) + "\n")
    artifacts = {"rain": {"ingest": True, "access": "open"}}
    return House(folder, client_of, {**issuer.trust(), "artifacts": artifacts, "observe": {"pause_seconds": 0}})


@pytest.fixture
def send(house, issuer):
    def sending(content, media="application/json", key=None, sub="sensor", client=None):
        named = {"Idempotency-Key": key} if key else {}
        headers = {**issuer.bearer("ingest", sub=sub), "Content-Type": media, **named}
        kind = {"content": content} if isinstance(content, bytes) else {"content": json.dumps(content).encode()}
        return (client or house.client).post(f"/ingest/{house.ids['rain']}", headers=headers, **kind)

    return sending


def lines(house):
    return (house.folder / "data" / "rain.csv").read_text("utf-8").splitlines()[1:]


def test_a_name_that_stands_twice_is_a_refused_row(house, send):
    rows = (b'{"station": "A", "mm": 1, "mm": 2}', b'{"station": "B", "mm": 1, "free": {"a": 1, "a": 2}}',
            b'{"station": "C", "mm": 1}')  # fmt: skip
    answer = send(b"[" + b",".join(rows) + b"]")
    assert [row["reasons"] for row in answer.json()["rows"]] == [
        ["a name stands twice in it"], ["free: names something twice"],
    ]  # fmt: skip
    assert lines(house) == ["C,,,,1,,,,,"]
    assert json.loads('{"a": 1, "a": 2}', object_pairs_hook=without_repeats) == {"a": 2}


def test_what_was_refused_is_counted_in_metrics_and_in_the_certification_report(house, send):
    assert send([{"station": "A", "mm": 1}, {"station": "A", "mm": 2}, {"mm": 3}]).status_code == 200
    assert send([{"mm": 3}]).status_code == 422
    rows = house.client.get("/observe/metrics").json()["ingest"]
    assert (rows["accepted"], rows["refused"], rows["calls"]) == (1, 3, 2)
    assert rows["last"]
    text = house.client.get("/observe/metrics", headers={"Accept": "text/plain"}).text
    assert 'gateway_ingest_rows_total{result="refused"} 3' in text
    report = house.client.get("/certify/report", headers=SOON).json()
    assert (report["ingest"]["accepted"], report["ingest"]["refused"]) == (1, 3)
    again = house.client_of(house.folder).get("/observe/metrics").json()["ingest"]
    assert again["refused"] == 3, "a restart forgets none of it"


def test_a_body_that_is_sent_again_with_its_key_adds_nothing(house, send):
    body = [{"station": "A", "mm": 1}, {"mm": 1}]
    first, second = send(body, key="one"), send(body, key="one")
    assert first.status_code == 200
    assert first.json() == second.json()
    assert (second.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    assert send(body, key="one", client=house.client_of(house.folder)).json() == first.json(), "after a restart too"
    assert len(lines(house)) == 1
    other = send([{"station": "B", "mm": 1}], key="one")
    assert (other.status_code, other.json()["title"]) == (422, "Key used before")
    assert send(body, key="one", sub="another").status_code == 422, "another's key is another, and A is there already"
    assert send([{"mm": 1}], key="two").status_code == send([{"mm": 1}], key="two").status_code == 422
    for bad in ("x" * (ingest.MAX_KEY + 1), "a\tb"):
        assert send(body, key=bad).status_code == 400


BODIES = [
    (b'{"station": "A", "mm": 1}', "application/json", 200), (b'\xef\xbb\xbf[{"station": "A", "mm": 1}]',
                                                                "application/json; charset=utf-8", 200),
    (b"\xef\xbb\xbfstation,mm\r\nA,1\r\n", "text/csv", 200), (b'station,mm\n"A\nB",1\n', "text/csv", 200),
    (b"station;mm\nA;1\n", "text/csv", 422), (b"station\nA\n", "text/csv", 422), (b"station,mm\nA\n", "text/csv", 422),
    (b"station,mm\n", "text/csv", 400), (b"\n\n", "text/csv", 400), (b"mm\n1e999\n", "text/csv", 422),
    (b'{"station": "A", "mm": 1}\n{"station"', "application/x-ndjson", 400),
    (b'[{"station": "A", "mm": 1e999}]', "application/json", 422),
    (b'[{"station": "A", "mm": ' + b"9" * 5000 + b"}]", "application/json", 400),
    (b'[{"station": "A", "mm": Infinity}]', "application/json", 400), (b'"text"', "application/json", 400),
    (b'{"parts": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "application/json", 400),
    ("stätion\nÄ\n".encode("latin-1"), "text/csv", 400), (b"PK\x03\x04", "application/zip", 415),
]  # fmt: skip


@pytest.mark.parametrize(("body", "media", "status"), BODIES, ids=range(len(BODIES)))
def test_bodies_of_every_kind_have_an_answer_and_spoil_nothing(house, send, body, media, status):
    answer = send(body, media)
    assert (answer.status_code, str(house.folder) in answer.text) == (status, False), answer.text
    assert len(house.rows("SELECT * FROM data")) == (1 if status == 200 else 0)


@pytest.mark.parametrize("rows_before", [0, 20_000])
def test_rows_are_not_added_to_a_file_of_another_encoding(house, send, rows_before):
    path = house.folder / "data" / "rain.csv"
    rows = "".join(f"{number},,,,1,,,,,\n" for number in range(rows_before)).encode()
    before = path.read_bytes() + rows + "Ä,,,,1,,,,,\n".encode("latin-1")
    path.write_bytes(before)
    answer = send([{"station": "Ö", "mm": 1}])
    assert (answer.status_code in (409, 503), path.read_bytes()) == (True, before)


def test_a_file_that_is_broken_already_is_told_and_left_alone(folder, client_of, issuer, house, send):
    (folder / "data" / "rain.jsonl").write_text("{broken\n")
    server = {"server": "local", "type": "local", "path": "data/rain.jsonl", "format": "jsonl"}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "schema": [SCHEMA], "servers": [server]})
    answer = send([{"station": "A", "mm": 1}])
    assert (answer.status_code, "readable" in answer.json()["detail"]) == (503, True)
    assert (folder / "data" / "rain.jsonl").read_text() == "{broken\n"


def test_rows_written_to_a_file_that_was_replaced_meanwhile_are_not_called_taken(house, send, monkeypatch):
    path, real = house.folder / "data" / "rain.csv", ingest._append

    def replaced(*given):
        real(*given)
        new = Path(f"{path}.new")
        new.write_bytes(b"station,mm\n")
        new.replace(path)

    monkeypatch.setattr(ingest, "_append", replaced)
    answer = send([{"station": "A", "mm": 1}], key="k")
    assert (answer.status_code, "replaced" in answer.json()["detail"]) == (503, True)
    monkeypatch.undo()
    path.write_text(",".join(declared["name"] for declared in PROPERTIES) + "\r\n")
    assert send([{"station": "A", "mm": 1}], key="k").status_code == 200
    assert path.read_bytes().endswith(b",\r\nA,,,,1,,,,,\r\n") or path.read_bytes().endswith(b"\r\nA,,,,1,,,,,\r\n")
