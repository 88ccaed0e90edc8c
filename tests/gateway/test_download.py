"""Downloads: files as stored with ranges, in constant memory; what a role may not see never leaves."""

import json
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import psutil
import pytest

from gateway import grants

from .house import House, workers
from .issuer import Issuer

OPEN = {"artifacts": {"rain": {"access": "open"}, "how-to": {"access": "open"}}}


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def house(folder, client_of):
    return House(folder, client_of, OPEN)


def stored(house):
    return (house.folder / "data" / "rain.csv").read_bytes()


def test_a_file_comes_as_stored(house):
    answer = house.client.get(house.rain)
    assert (answer.status_code, answer.content) == (200, stored(house))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="rain.csv"'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert house.client.get(house.rain, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    head = house.client.head(house.rain)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(answer.content)))
    pdf = house.client.get(f"/consume/{house.ids['how-to']}")
    assert (pdf.headers["content-type"], pdf.content) == ("application/pdf", b"%PDF-1.7\n")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, None), ("bytes=-7", -7, None), ("bytes=0-999999", 0, None),
     ("Bytes= 1 - 2", 1, 3), ("bytes=-999999", 0, None)],
)  # fmt: skip
def test_one_range(house, asked, start, end):
    answer = house.client.get(house.rain, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, stored(house)[start:end])
    assert answer.headers["content-range"].endswith(f"/{len(stored(house))}")
    assert house.log()[0]["bytes"] == len(answer.content)


@pytest.mark.parametrize(
    ("asked", "status"),
    [("bytes=", 400), ("bytes=a-b", 400), ("bytes=9-1", 400), ("bytes=0-1,3-4", 400), ("bytes=--5", 400),
     ("bytes=-", 400), ("bytes=1-2-3", 400), ("bytes=0x1-2", 400), ("bytes=" + "9" * 5000 + "-", 400),
     ("bytes=999999-", 416), ("bytes=-0", 416), ("bytes=" + "9" * 80 + "-", 416), ("lines=1-2", 200)],
)  # fmt: skip
def test_ranges_that_cannot_be_had(house, asked, status):
    answer = house.client.get(house.rain, headers={"Range": asked})
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(stored(house))}"


def test_if_range_gives_the_whole_file_when_it_has_changed(house):
    etag = house.client.get(house.rain).headers["etag"]
    assert house.client.get(house.rain, headers={"Range": "bytes=0-3", "If-Range": etag}).status_code == 206
    assert house.client.get(house.rain, headers={"Range": "bytes=0-3", "If-Range": '"old"'}).status_code == 200


def test_a_file_that_went_is_503_and_names_no_folder(house):
    (house.folder / "data" / "rain.csv").unlink()
    answer = house.client.get(house.rain)
    assert (answer.status_code, str(house.folder) in answer.text) == (503, False)


@pytest.mark.parametrize("name", ["nope", "..", "%2e%2e%2fproduct.odps.yaml", "rain'; DROP TABLE data; --", "x" * 3000])
def test_artifacts_that_are_not_there(house, name):
    assert house.client.get(f"/consume/{name}").status_code in (404, 405)


def test_two_gigabytes_in_constant_memory(house):
    """In a process of its own, so that what is weighed is the gateway and nothing else."""
    size = 2_000_000_000
    with (house.folder / "data" / "rain.csv").open("wb") as file:
        file.write(b"station,mm\n")
        file.truncate(size)
    code = (
        "import sys, socket, uvicorn; from pathlib import Path; from gateway.app import create_app\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1], flush=True)\n"
        "server = uvicorn.Server(uvicorn.Config(create_app(Path(sys.argv[1])), log_level='error'))\n"
        "server.run(sockets=[s])"
    )
    command = [sys.executable, "-c", code, str(house.folder)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            address = f"http://127.0.0.1:{process.stdout.readline().strip()}{house.rain}"
            watched = psutil.Process(process.pid)
            with httpx2.stream("GET", address, timeout=30) as answer:
                assert answer.status_code == 200
                got, heaviest, begun = 0, 0, time.monotonic()
                before = watched.memory_info().rss
                for part in answer.iter_raw(1 << 20):
                    got += len(part)
                    if got % (100 << 20) < (1 << 20):
                        heaviest = max(heaviest, watched.memory_info().rss)
                    if time.monotonic() - begun > 20:  # enough to see that memory does not grow with what is sent
                        break
            assert got == size or got > 100_000_000
            assert heaviest - before < 20_000_000
            last = httpx2.get(address, headers={"Range": f"bytes={size - 3}-"}, timeout=30)
            assert (last.status_code, last.content) == (206, b"\0\0\0")
        finally:
            process.kill()


ROLES = {
    "default": {"mask": {"station": "drop"}, "filter": "mm < 3"},
    "analyst": {"mask": {"station": "hash"}},
    "auditor": {},
    "intern": {"deny": True},
}


def as_role(issuer, role):
    return issuer.bearer(role=role)


@pytest.fixture
def ruled(folder, client_of, issuer):
    artifacts = {"rain": {"roles": ROLES}, "how-to": {"roles": {"default": {"mask": {"a": "null"}}}}}
    return House(folder, client_of, {**issuer.trust(), "artifacts": artifacts})


@pytest.mark.parametrize(("role", "columns", "rows"), [(None, "mm", 3), ("stranger", "mm", 3),
                                                       ("analyst", "station,mm", 150)])  # fmt: skip
def test_download_query_and_sample_show_a_role_the_same(ruled, issuer, role, columns, rows):
    headers = as_role(issuer, role)
    lines = ruled.client.get(ruled.rain, headers=headers).text.splitlines()
    assert (lines[0], len(lines) - 1) == (columns, rows)
    assert "S1," not in "".join(lines)
    assert ruled.rows("SELECT count(*) FROM data", headers) == [[rows]]
    sample = ruled.client.get(f"/discover/artifact/{ruled.ids['rain']}/sample?limit=2", headers=headers).json()
    assert ",".join(sample["columns"]) == columns
    assert "S1" not in json.dumps(sample["rows"])


def test_a_hash_is_the_same_for_the_same_value_and_no_plain_hash(ruled, issuer):
    import hashlib

    headers = as_role(issuer, "analyst")
    first = ruled.rows("SELECT station FROM data WHERE mm = 1.5", headers)
    assert first == ruled.rows("SELECT station FROM rain WHERE mm = 1.5", headers)
    assert first[0][0] != hashlib.sha256(b"S1").hexdigest()[:32]


def test_a_role_that_sees_all_gets_the_file_and_one_that_may_not_gets_nothing(ruled, issuer):
    assert ruled.client.get(ruled.rain, headers=as_role(issuer, "auditor")).content == stored(ruled)
    for address in (ruled.rain, f"/discover/artifact/{ruled.ids['rain']}/sample"):
        answer = ruled.client.get(address, headers=as_role(issuer, "intern"))
        assert (answer.status_code, "intern" in answer.json()["detail"]) == (403, True)


def test_a_sample_without_a_role_shows_what_the_default_role_sees(ruled, issuer):
    address = f"/discover/artifact/{ruled.ids['rain']}/sample"
    assert ruled.client.get(address).status_code == 401
    sample = ruled.client.get(address, headers=issuer.bearer()).json()
    assert (sample["columns"], sample["rows"]) == (["mm"], [[0.5], [1.5], [2.5]])


def test_what_cannot_be_filtered_is_refused(ruled, issuer):
    answer = ruled.client.get(f"/consume/{ruled.ids['how-to']}", headers=issuer.bearer())
    assert (answer.status_code, "cannot be filtered" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize("rules", [{"mask": {"stattion": "drop"}}, {"filter": "nosuch = 1"}, {"filter": "mm ="}])
def test_rules_that_do_not_fit_the_data_give_nothing_away(folder, client_of, rules):
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open", "roles": {"default": rules}}}})
    for answer in (house.client.get(house.rain), house.ask("SELECT * FROM data")):
        assert answer.status_code == 503
        assert "S1" not in answer.text


def test_rules_in_the_roles_of_the_contract_count(folder, client_of):
    from .conftest import RAIN, write

    mask = {"property": "mask", "value": {"station": "redact"}}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "roles": [{"role": "default", "customProperties": [mask]}]})
    house = House(folder, client_of, OPEN)
    assert house.client.get(house.rain).text.splitlines()[1] == "***,0.5"
    mask["value"] = "nonsense"
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "roles": [{"role": "default", "customProperties": [mask]}]})
    assert house.client.get(house.rain).status_code == 503


@pytest.mark.parametrize(("form", "first"), [("json", "["), ("jsonl", "{"), ("csv", "m")])
def test_formats_of_what_is_made_anew(ruled, issuer, form, first):
    answer = ruled.client.get(f"{ruled.rain}?format={form}", headers=issuer.bearer())
    assert (answer.status_code, answer.text[0]) == (200, first)
    if form == "json":
        assert answer.json() == [{"mm": 0.5}, {"mm": 1.5}, {"mm": 2.5}]
    assert ruled.client.get(f"{ruled.rain}?format=xlsx", headers=issuer.bearer()).status_code == 400


def source(kind, **keys):
    return {"artifacts": {"rain": {"access": "open", "source": {"type": kind, **keys}}}}


def test_a_folder_lists_its_files_and_gives_each(folder, client_of):
    files = folder.parent / "elsewhere"
    files.mkdir()
    for number in (1, 2):
        (files / f"part {number}.csv").write_text(f"station,mm\nX{number},{number}\n")
    (files / ".hidden.csv").write_text("secret")
    (folder.parent / "secret.csv").write_text("secret")
    (files / "link.csv").symlink_to(folder.parent / "secret.csv")
    house = House(folder, client_of, source("folder", path=str(files), pattern="*.csv"))
    listing = house.client.get(house.rain).json()
    assert [file["name"] for file in listing["files"]] == ["part 1.csv", "part 2.csv"]
    assert house.client.get(listing["files"][1]["href"]).text == "station,mm\nX2,2\n"
    assert house.rows("SELECT station FROM data ORDER BY 1") == [["X1"], ["X2"]]
    for name in ("../secret.csv", ".hidden.csv", "link.csv", "/etc/passwd", "nope"):
        assert house.client.get(house.rain, params={"file": name}).status_code == 404


def test_a_database_is_a_source(folder, client_of):
    import sqlite3

    database = sqlite3.connect(folder / "data" / "rain.db")
    database.executescript("CREATE TABLE r (station TEXT, mm REAL); INSERT INTO r VALUES ('a', 1.5), ('b,\"x\"', NULL)")
    database.close()
    house = House(folder, client_of, source("sql", url="sqlite:///data/rain.db", table="r"))
    assert house.client.get(house.rain).text == 'station,mm\r\na,1.5\r\n"b,""x""",\r\n'
    assert house.rows("SELECT sum(mm) FROM data") == [[1.5]]
    sample = house.client.get(f"/discover/artifact/{house.ids['rain']}/sample").json()
    assert sample["rows"][0] == ["a", 1.5]
    house = House(folder, client_of, source("sql", url="sqlite:///data/secret-name.db", table="r"))
    answer = house.client.get(house.rain)
    assert (answer.status_code, "secret-name" in answer.text) == (503, False)


def test_an_http_source_is_passed_through_with_its_ranges(folder, client_of):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "data")))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/rain.csv"
        house = House(folder, client_of, source("http", url=url))
        assert house.client.get(house.rain).content == stored(house)
        assert house.rows("SELECT count(*) FROM data") == [[150]]
        missing = House(folder, client_of, source("http", url=url + "x")).client.get(house.rain)
        assert (missing.status_code, "127.0.0.1" in missing.text) == (502, False)
    finally:
        server.shutdown()
        server.server_close()
    gone = house.client.get(house.rain)
    assert (gone.status_code, "127.0.0.1" in gone.text) == (502, False)


def test_a_client_that_goes_away_leaves_no_process_behind(folder, client_of):
    from .serving import serving

    with (folder / "data" / "rain.csv").open("w") as file:
        file.write("station,mm\n")
        file.writelines(f"S{number},{number}\n" for number in range(2_000_000))
    rules = {"default": {"mask": {"station": "redact"}}}
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open", "roles": rules}}})

    # Where the kernel lets a receive buffer grow to 32 MB, it would take all of an answer that nobody reads.
    small = httpx2.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)])
    with serving(house.client.app) as base:
        with (
            httpx2.Client(transport=small, timeout=30) as client,
            client.stream("GET", base + house.rain) as answer,
        ):
            parts = answer.iter_raw(10)  # kept: a generator that is dropped closes the answer
            next(parts)
            assert workers()
        deadline = time.monotonic() + 10
        while workers():
            assert time.monotonic() < deadline, "the subprocess still runs"
            threading.Event().wait(0.05)
