"""What `init` writes, `validate` takes, whatever the file looks like; or `init` says why not and writes nothing."""

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.commands import initialising
from gateway.commands.drafting import Answers
from gateway.commands.findings import findings_of
from gateway.commands.inspecting import look_at
from gateway.documents import DocumentError
from gateway.samples import DataError, first_rows

ANSWERS = Answers(title="Rain", name="rain", domain="precipitation", team="Rain team")
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = [
    "select",
    "",
    " ",
    "a",
    "A",
    "a_1",
    "null",
    "~",
    "yes",
    "1",
    "1e3",
    "0b1",
    "=",
    "<<",
    "2024-01-01",
    "10:30",
    "- x",
]
NAMES = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
CELLS = st.one_of(st.sampled_from(["", "1", "1.5", "2024-01-01", "x", "007", '"', "a,b", "\n"]), NAMES)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same inspection, without a process of its own for each of hundreds of files."""
    monkeypatch.setattr(initialising, "inspect_files", look_at)


@contextmanager
def product(raw: bytes, name: str = "rain.csv") -> Iterator[Path]:
    """A folder with one data file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(raw)
        yield Path(folder).resolve()


def outcome(folder: Path) -> str | None:
    """None when documents were written, and are valid and fit the data; else why they were not written."""
    before = sorted(folder.iterdir())
    try:
        initialising.write_documents(folder, ANSWERS)
    except (DataError, DocumentError) as error:
        assert sorted(folder.iterdir()) == before, "a refusal leaves nothing behind"
        told = str(error)
        assert len(told) > 20
        assert "Traceback" not in told
        return told
    assert [str(finding) for finding in findings_of(folder)] == []
    return None


@LAW
@given(
    names=st.lists(NAMES, min_size=1, max_size=6),
    rows=st.lists(st.lists(CELLS, max_size=8), max_size=5),
    delimiter=st.sampled_from(",;|\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
def test_any_table_is_described_as_it_is_or_refused(names, rows, delimiter, end, bom):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([names, *rows])
    raw = text.getvalue().encode()
    with product(b"\xef\xbb\xbf" + raw if bom else raw) as folder:
        if outcome(folder) is None:
            content = yaml.safe_load((folder / "contracts" / "rain.odcs.yaml").read_text("utf-8"))
            described = [column["name"] for column in content["schema"][0]["properties"]]
            assert described == first_rows(folder / "rain.csv", "csv", 5).columns


@LAW
@given(st.binary(max_size=300))
def test_any_bytes_are_described_or_refused(raw):
    with product(raw) as folder:
        outcome(folder)


@LAW
@given(
    st.lists(st.dictionaries(NAMES, st.one_of(st.none(), st.integers(), NAMES, st.lists(st.integers()))), max_size=4)
)
def test_any_records_are_described_or_refused(records):
    lines = "\n".join(json.dumps(record) for record in records)
    with product(lines.encode(), "rain.jsonl") as folder:
        outcome(folder)


@settings(LAW, max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40))
def test_any_file_name_is_described_or_refused(stem):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        try:
            (folder / f"{stem}.csv").write_bytes(b"a,b\n1,2\n")
        except OSError:  # too long for this file system
            return
        if not stem.startswith("."):
            assert outcome(folder) is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,a\n1,2\n", "columns 1 and 2 are both called 'a'"),
        (b"a,A\n1,2\n", "columns 1 and 2 are both called 'A'"),
        (b"a,,b\n1,2,3\n", "column 2 has no name"),
        ("straße,b\n1,2\n".encode("latin-1"), "is not UTF-8 text (byte 4)"),
        (b"a,b\n1,2\n3,\xe9\n", "is not UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
        (b"a,b\n1,2,3\n", "some rows have 3 cells, and the first line names 2 columns"),
        (b"# made by hand\na,b\n1,2\n", "some rows have 2 cells, and the first line names 1 columns"),
        (b'a,b\n"1,2\n', "a quotation mark may not be closed"),
        (",".join(f"c{n}" for n in range(2001)).encode(), "at most 2000"),
    ],
)
def test_what_cannot_be_described_is_refused_in_words(raw: bytes, said: str):
    with product(raw) as folder:
        told = outcome(folder)
        assert told is not None
        assert said in told


@pytest.mark.parametrize(
    "raw",
    [
        b"a,b\n",
        b"a,b",
        b"\xef\xbb\xbfa;b\r\n1;2\r\n",
        b"select,from,order by\n1,2,3\n",
        b'"a ""b""","c\nd",\'e\'\n1,2,3\n',
        b" a , b\n1, 2\n",
        b"a,b\n1\n\n2,3\n",
        b"a\n,\n",
        "😀,ü\u2028,x\x85y\n1,2,3\n".encode(),
        b"\n".join([b",".join(b"c%d" % n for n in range(1000)), b",".join([b"1"] * 1000)]),
    ],
)
def test_what_is_odd_and_clear_is_described(raw: bytes):
    with product(raw) as folder:
        assert outcome(folder) is None


def test_names_that_are_patterns_elsewhere_are_files_here(tmp_path: Path):
    (tmp_path / "rain[1].csv").write_text("a\n1\n")
    (tmp_path / "rain1.csv").write_text("b\n2\n")
    (tmp_path / "rain*.csv").write_text("c\n3\n")
    assert outcome(tmp_path) is None
    found = {path.name for path in (tmp_path / "contracts").iterdir()}
    texts = "".join((tmp_path / "contracts" / name).read_text() for name in found)
    assert [texts.count(f"- name: {column}\n") for column in "abc"] == [1, 1, 1]


def test_names_that_are_not_text_are_no_data(tmp_path: Path):
    (tmp_path / "rain.csv").write_text("a\n1\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xff.csv")).write_text("b\n1\n")
    assert outcome(tmp_path) is None


def test_parquet_whose_names_differ_in_case_only_is_refused(tmp_path: Path):
    with duckdb.connect() as connection:
        connection.execute(f"""COPY (SELECT 1 AS a, 2 AS " ", 3 AS b) TO '{tmp_path}/rain.parquet'""")
    assert "column 2 has no name" in (outcome(tmp_path) or "")


# -- the five questions, on a real terminal ---------------------------------------------------------------------------


class Terminal:
    """`python -m gateway …` on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        self._master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def until(self, text: str) -> None:
        """Read until this is shown."""
        begun = len(self.seen)
        end = time.monotonic() + 120
        while text not in self.seen[begun:]:
            assert time.monotonic() < end, f"{text!r} never came: {self.seen}"
            assert self._more(end - time.monotonic()), f"ended before {text!r}: {self.seen}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def rest(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + 120
        while self._more(max(0.1, end - time.monotonic())):
            pass
        os.close(self._master)
        return self.process.wait(20)

    def _more(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self._master, 65536)
        except OSError:  # the other side of the terminal is closed
            return False
        self.seen += part.decode(errors="replace")
        return bool(part)


def test_the_five_questions_are_asked_on_a_terminal_and_what_is_typed_is_written(tmp_path: Path):
    folder = tmp_path / "daily-rain"
    folder.mkdir()
    (folder / "rain.csv").write_text("station,mm\nS1,1.5\n")
    terminal = Terminal("init", str(folder))
    for question, typed in (
        ("Title [Daily rain]", ""),
        ("Domain", "Precipitation"),
        ("Owner", "Rain team, rain@example.org"),
        ("Summary", "Rain of each day."),
        ("Access: open or on request [on request]", "open"),
    ):
        terminal.until(question)
        terminal.type(typed)
    assert terminal.rest() == 0, terminal.seen
    assert "Not said" not in terminal.seen
    odps = yaml.safe_load((folder / "product.odps.yaml").read_text())
    assert (odps["domain"], odps["team"]["name"]) == ("precipitation", "Rain team")
    assert odps["description"]["purpose"] == "Rain of each day."
    assert {entry["value"] for entry in odps["customProperties"]} == {"Daily rain", "open", "Rain of each day."}
    assert findings_of(folder) == []


def test_only_what_no_option_says_is_asked_and_a_wrong_answer_writes_nothing(tmp_path: Path):
    (tmp_path / "rain.csv").write_text("station,mm\nS1,1.5\n")
    terminal = Terminal("init", str(tmp_path), "--title", "Rain", "--domain", "rain", "--owner", "", "--summary", "R.")
    terminal.until("Access")
    terminal.type("perhaps")
    assert terminal.rest() == 1
    assert "it must be 'open' or 'on request'" in terminal.seen
    assert not any(question in terminal.seen for question in ("Title", "Domain", "Owner", "Summary"))
    assert [path.name for path in tmp_path.iterdir()] == ["rain.csv"]


def test_leaving_at_a_question_writes_nothing(tmp_path: Path):
    (tmp_path / "rain.csv").write_text("station,mm\nS1,1.5\n")
    terminal = Terminal("init", str(tmp_path))
    terminal.until("Title")
    terminal.type("\x04")  # Ctrl-D
    assert terminal.rest() == 1
    assert "Traceback" not in terminal.seen
    assert [path.name for path in tmp_path.iterdir()] == ["rain.csv"]
