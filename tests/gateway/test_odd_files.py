"""Files as they may lie on a disk: odd names, links in a ring, two headers alike, gone meanwhile, left by a kill."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from starlette.testclient import TestClient

from gateway.consume import download
from gateway.many import create_many

from .conftest import ODPS, write
from .house import House
from .test_fairness import until


def in_folder(folder, client_of, **own):
    (folder / "days").mkdir()
    source = {"type": "folder", "path": "days", "format": "csv"}
    return House(folder, client_of, {"artifacts": {"rain": {"access": "open", "source": source, **own}}})


def test_a_name_that_is_no_text_is_left_out_of_a_folder_and_hurts_no_other(folder, client_of):
    house = in_folder(folder, client_of)
    (folder / "days" / "monday.csv").write_text("station,mm\nS1,1\n")
    Path(os.fsdecode(os.fsencode(folder / "days") + b"/tuesday-\xff.csv")).write_text("station,mm\nS2,2\n")
    answer = house.client.get(house.rain)
    assert answer.status_code == 200, answer.text
    assert [file["name"] for file in answer.json()["files"]] == ["monday.csv"]
    assert house.rows("SELECT count(*) FROM data") == [[1]]
    assert house.client.get(f"{house.rain}?file=monday.csv").text == "station,mm\nS1,1\n"


def test_a_file_that_goes_while_a_folder_is_listed_is_not_in_the_list(tmp_path):
    (tmp_path / "here.csv").write_text("x\n1\n")
    files = download.listed([tmp_path / "gone.csv", tmp_path / "here.csv"], "/base")
    assert [(file.name, file.bytes, file.href) for file in files] == [("here.csv", 4, "/base?file=here.csv")]


def test_no_file_of_a_folder_slips_a_column_past_a_mask_by_naming_it_twice(folder, client_of):
    """DuckDB calls the second of two columns of one name `station_1`, for which there is no mask."""
    house = in_folder(folder, client_of, roles={"default": {"mask": {"station": "redact"}}})
    (folder / "days" / "a.csv").write_text("station,mm\nS1,1\n")
    assert "S1" not in house.client.get(house.rain).text
    (folder / "days" / "b.csv").write_text("station,mm,Station\nS2,2,S2\n")
    sample = house.client.get(f"/discover/artifact/{house.ids['rain']}/sample")
    for answer in (house.client.get(house.rain), house.ask("FROM data"), sample):
        assert answer.status_code == 503, answer.text
        assert "same name" in answer.json()["detail"]


def ring(folder, own):
    (folder / "ring").symlink_to("gnir")
    (folder / "gnir").symlink_to("ring")
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"access": "open", "source": own}}})


@pytest.mark.parametrize(
    "own",
    [{"type": "csv", "path": "ring"}, {"type": "folder", "path": "ring"},
     {"type": "sql", "url": "sqlite:///ring", "table": "rain"}],
    ids=lambda own: own["type"],
)  # fmt: skip
def test_links_that_lead_in_a_ring_are_no_crash(folder, client_of, own):
    client = client_of(folder)
    own_id = next(a["id"] for a in client.get("/discover/artifacts").json()["artifacts"] if a["name"] == "rain")
    ring(folder, own)
    health = client.get("/observe/health")
    assert health.status_code in (200, 503)
    assert str(folder.parent) not in health.text
    for path in ("/discover", f"/discover/artifact/{own_id}/sample", f"/consume/{own_id}", "/observe/metrics",
                 "/observe/results", "/certify/report"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code != 500, (path, answer.text)
        assert str(folder.parent) not in answer.text


def test_links_in_a_ring_hurt_no_other_product(tmp_path, folder):
    root = tmp_path / "mesh"
    root.mkdir()
    folder.rename(root / "rain")
    write(root / "wind" / "product.odps.yaml", {**ODPS, "id": "wind", "name": "wind", "outputPorts": []})
    with TestClient(create_many(root), raise_server_exceptions=False) as client:
        ring(root / "rain", {"type": "csv", "path": "ring"})
        until(lambda: "ring" in client.get("/precipitation/daily-rain/observe/health").text)
        assert client.get("/precipitation/wind/discover").status_code == 200


KILLED = """
    import sys, time
    from pathlib import Path
    from gateway.config import Limits
    from gateway.consume.jobs import Job, Running
    from gateway.sources import Source

    sql = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"
    running = Running(Job(Source("file", "csv", sys.argv[1]), "rain", "rows", Limits(), "", 60, None, sql))
    print(running._directory.name, flush=True)
    running.process.wait()
"""


def test_nothing_of_the_data_stays_behind_when_the_gateway_is_killed(folder):
    """The directory of a reading process holds what was spilled, or brought here from a database."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder / "data" / "rain.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as gateway:
        assert gateway.stdout is not None
        own = Path(gateway.stdout.readline().strip())
        until(lambda: psutil.Process(gateway.pid).children())
        (own / "brought").write_text("rows of a database")  # what there is of it is gone before foreign SQL runs
        gateway.send_signal(signal.SIGKILL)
    until(lambda: not own.exists())
