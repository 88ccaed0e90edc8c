"""CSV as people write it is measured; what is no CSV is said, and nothing of it is quoted."""

from pathlib import Path
from typing import Any

import pytest

from gateway.documents import stamp
from gateway.quality import worker
from gateway.quality.engine import Engine
from gateway.sources import Brought

from .test_quality_rules import GOOD, contract, results, statuses

REORDERED = b"""more,mail,day,mm,name,id
1,,2024-02-01,1,Oslo,1
1,,2024-02-02,1,Rome,2
1,,2024-02-03,1,Rome,3
"""
ODD_FILES = {
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), {}),
    "semicolons": (GOOD.replace(",", ";").encode(), {}),
    "another order and a column more": (REORDERED, {}),
    "Windows line ends": (GOOD.replace("\n", "\r\n").encode(), {}),
    "no end of the last line": (GOOD.rstrip("\n").encode(), {}),
    "a short row": (GOOD.replace(",2024-12-31,", "").encode(), {}),
    "a header alone": (b"id,name,mm,day,mail\n", {"rain.count": "fail"}),
    "a new line in quotes": (GOOD.replace("Rome", '"Ro\nme"').encode(), {"rain.name.enum": "fail"}),
    "a name of two columns": (
        GOOD.replace("mail", "name").encode(),
        {"rain.properties": "fail", "rain.mail.format": "skip", "rain.mail.type": "skip"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "wanted"), ODD_FILES.values(), ids=ODD_FILES)
def test_csv_as_people_write_it_is_measured(tmp_path: Path, raw: bytes, wanted: dict[str, str]):
    path = tmp_path / "rain.csv"
    path.write_bytes(raw)
    found = results(contract({"id": "count", "metric": "rowCount", "mustBe": 3}), path, "csv")
    assert statuses(found) == wanted


NO_CSV = {
    "nothing": (b"", "has no header line"),
    "an empty first line": (b"\n" + GOOD.encode(), "has no header line"),
    "latin-1": (GOOD.replace("Rome", "Orléans").encode("latin-1"), "is not UTF-8 text"),
    "a latin-1 header": ("nåme,x\n1,2\n".encode("latin-1"), "is not UTF-8 text"),
    "a long row": (
        GOOD.replace("b@example.org", "b@example.org,secret").encode(),
        "line 3 does not have the cells of the header",
    ),
    "a quote that does not end, after a short row": (
        GOOD.replace(",a@example.org", "").replace("Oslo,12.25", '"secret').encode(),
        "quote",
    ),
    "a quote that does not end": (GOOD.replace("Rome", '"secret').encode(), "is not quoted"),
}


@pytest.mark.parametrize(("raw", "said"), NO_CSV.values(), ids=NO_CSV)
def test_what_is_no_csv_is_said_without_quoting_it(tmp_path: Path, raw: bytes, said: str):
    path = tmp_path / "rain.csv"
    path.write_bytes(raw)
    found = results(contract(), path, "csv")
    assert {result.status for result in found.values()} == {"error"}
    [message] = {result.message for result in found.values()}
    assert said in str(message)
    assert "secret" not in str(message)


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch):
    path = tmp_path / "rain.csv"
    path.write_text(GOOD)
    engines: list[int] = []
    real = Engine

    def replacing(*given: Any) -> Any:
        engine = real(*given)
        if not engines:
            new = path.with_name("new")
            new.write_text(GOOD + "4,Rome,1,2024-07-01,\n")
            new.replace(path)
        engines.append(engine.rows)
        return engine

    monkeypatch.setattr(worker, "Engine", replacing)
    job = {"entry": contract()["schema"][0], "memory": 64, "seconds": 5}
    brought = Brought([path], "csv")
    assert worker._loaded(brought, [stamp(path)], job).rows == 4
    assert engines == [3, 4]
