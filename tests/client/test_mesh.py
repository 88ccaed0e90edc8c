"""`mesh` as people and pipelines use it: what it prints, its exit status, and where the token goes."""

import json
import stat
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from client import credentials, product_files
from client.__main__ import cli
from registry.models import Event, Product
from tests import gateways
from tests.client.conftest import rain

REAL = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listed(tmp_path):
    """Writes products into a file and returns where."""

    def write(products, name="products.yaml"):
        file = tmp_path / name
        if name.endswith(".jsonl"):
            file.write_text("\n".join(json.dumps(row) for row in products), "utf-8")
        else:
            file.write_text((json.dumps if name.endswith("json") else yaml.safe_dump)(products), "utf-8")
        return file

    return write


@REAL
@pytest.mark.parametrize("name", ["products.yaml", "products.json", "products.jsonl"])
def test_a_file_is_published_and_again_nothing_happens(mesh, listed, name):
    file = listed([rain(number) for number in range(3)], name)
    first = mesh("publish", "-f", file)
    assert first.exit_code == 0, first.output
    assert "+ urn:dp:precipitation:rain-0 created" in first.stdout
    assert "3 created, 0 updated, 0 unchanged, 0 refused." in first.stdout
    events = Event.objects.count()
    again = mesh("publish", "-f", file)
    assert (again.exit_code, again.stdout) == (0, "0 created, 0 updated, 3 unchanged, 0 refused.\n")
    assert Event.objects.count() == events


@REAL
def test_a_dry_run_shows_what_would_change_and_changes_nothing(mesh, listed):
    mesh("publish", "-f", listed([rain(1)]))
    file = listed([rain(1, title="Rain, mended", tags=["rain", "gauges"]), rain(2)])
    told = mesh("publish", "-f", file, "--dry-run")
    assert told.exit_code == 0
    for line in ("title: “Rain 1” → “Rain, mended”", "tags: - “daily”", "tags: + “gauges”", "rain-2 created"):
        assert line in told.stdout
    assert "Nothing was done" in told.stdout
    assert list(Product.objects.values_list("title", flat=True)) == ["Rain 1"]


@REAL
def test_thirty_broken_of_four_hundred_are_explained_and_the_others_published(mesh, listed):
    ways = [
        {"domain": "nowhere"}, {"summary": ""}, {"summary": "x" * 2000}, {"summary": "<b></b>"}, {"owner": "x"},
        {"links": [{"rel": "discovery", "url": "javascript:alert(1)"}]}, {"sumary": "x"}, {"title": "t" * 200},
        {"tags": "rain"}, {"name": "Not A Name"},
    ]  # fmt: skip
    rows = [rain(n, **(ways[n % 10] if n % 13 == 0 and n < 390 else {})) for n in range(400)]
    told = mesh("publish", "-f", listed(rows), "--json")
    assert told.exit_code == 1
    said = json.loads(told.stdout)
    assert (said["created"], said["refused"], said["error"]) == (370, 30, None)
    assert Product.objects.filter(lifecycle="published").count() == Product.objects.count() == 370
    assert all(row["errors"] for row in said["results"] if row["result"] == "refused")
    assert [row["index"] for row in said["results"]] == list(range(400))
    again = json.loads(mesh("publish", "-f", listed(rows), "--json").stdout)
    assert (again["created"], again["unchanged"], again["refused"]) == (0, 370, 30)


@REAL
def test_a_link_is_published_by_what_the_product_says_and_what_is_given(mesh, celery_worker, climate):
    with gateways.running("precipitation/us-precipitation") as gateway:
        dry = mesh("publish", gateway, "--dry-run")
        assert (dry.exit_code, Product.objects.count()) == (0, 0), dry.output
        told = mesh("publish", gateway, "--domain", "climate", "--name", "us-rain", "--tag", "rain", "--draft")
        again = mesh("publish", gateway, "--domain", "climate", "--name", "us-rain", "--tag", "rain", "--json")
    assert told.exit_code == 0, told.output
    assert "+ urn:dp:climate:us-rain created" in told.stdout
    assert "draft: http" in told.stdout
    said = json.loads(again.stdout)["results"][0]
    assert (said["result"], said["lifecycle"]) == ("updated", "published")


@REAL
@pytest.mark.parametrize("url", ["http://127.0.0.2:8000/", "javascript:alert(1)", "nowhere.invalid"])
def test_a_link_that_cannot_be_read_is_explained(mesh, celery_worker, url):
    told = mesh("publish", url)
    assert told.exit_code == 1
    assert len(told.stderr) > 30
    assert "Traceback" not in told.output


@REAL
def test_products_are_found_shown_and_resolved(mesh, listed, celery_worker, wait_for):
    mesh("publish", "-f", listed([rain(1), rain(2, summary="Snow \x1b[31m instead.")]))
    found = wait_for(lambda: (told := mesh("search", "rain", "--json")) and json.loads(told.stdout)["hits"], 30)
    assert {hit["urn"] for hit in found} == {"urn:dp:precipitation:rain-1", "urn:dp:precipitation:rain-2"}
    assert "urn:dp:precipitation:rain-1" in mesh("search", "rain", "--domain", "climate").stdout
    shown = mesh("show", "precipitation/rain-2")
    assert "Climate" not in shown.stderr
    assert "Snow" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert json.loads(mesh("show", "precipitation/rain-1", "--json").stdout)["title"] == "Rain 1"
    resolved = mesh("resolve", "urn:dp:precipitation:rain-1", "--rel", "discovery")
    assert resolved.stdout == "https://rain.example.org/1/discover\n"
    assert mesh("resolve", "precipitation/rain-1", "--rel", "source").exit_code == 1
    assert mesh("show", "precipitation/none").exit_code == 1
    assert mesh("show", "precipitation").exit_code == 1


@REAL
def test_the_lifecycle_is_walked_and_a_wrong_step_is_refused(mesh, listed):
    mesh("publish", "-f", listed([rain(1)]), "--draft")
    steps = ["publish", "pause", "resume", "deprecate", "retire"]
    states = ["published", "paused", "published", "deprecated", "retired"]
    for step, state in zip(steps, states, strict=True):
        told = mesh("lifecycle", step, "precipitation/rain-1")
        assert (told.exit_code, told.stdout) == (0, f"urn:dp:precipitation:rain-1 is {state}.\n"), told.output
    told = mesh("lifecycle", "pause", "precipitation/rain-1")
    assert told.exit_code == 1
    assert "retired" in told.stderr


@REAL
def test_a_deprecation_says_what_follows(mesh, listed):
    mesh("publish", "-f", listed([rain(1), rain(2)]))
    options = [
        "--successor",
        "urn:dp:precipitation:rain-2",
        "--retires-on",
        "2999-01-31",
        "--message",
        "Use the other.",
    ]
    for wrong in (["--successor", "urn:dp:precipitation:none"], ["--retires-on", "soon"]):
        told = mesh("lifecycle", "deprecate", "precipitation/rain-1", *wrong)
        assert told.exit_code == 1
        assert wrong[0].strip("-").replace("-", "_") in told.stderr
    told = mesh("lifecycle", "deprecate", "precipitation/rain-1", *options, "--json")
    assert told.exit_code == 0, told.output
    product = Product.objects.get(name="rain-1")
    assert product.lifecycle == "deprecated"
    assert product.deprecation.successor.name == "rain-2"


@REAL
@pytest.mark.parametrize(
    "arguments",
    [
        ["publish"],
        ["publish", "https://a.example", "-f", "products.yaml"],
        ["publish", "-f", "products.yaml", "--title", "x"],
        ["publish", "-f", "missing.yaml"],
        ["publish", "-f", "empty.yaml"],
        ["publish", "-f", "bomb.yaml"],
        ["publish", "-f", "circle.yaml"],
        ["publish", "-f", "broken.json"],
        ["publish", "-f", "binary.yaml"],
        ["publish", "-f", "nan.yaml"],
        ["publish", "-f", "deep.json"],
        ["publish", "-f", "python.yaml"],
        ["show"],
        ["nonsense"],
    ],
)
def test_what_is_used_wrongly_ends_with_two_and_asks_nothing(mesh, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    bomb = "- &a0 [x]\n" + "".join(f"- &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12))
    files = {
        "products.yaml": b"- {}", "empty.yaml": b"", "bomb.yaml": bomb.encode(), "circle.yaml": b"- &a [x, *a]",
        "broken.json": b"[{]",
        "binary.yaml": b"\xff\xfe\x00", "nan.yaml": b"- {title: .nan}", "deep.json": b"[" * 100_000,
        "python.yaml": b"- !!python/object/apply:os.system [ls]",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    told = mesh(*arguments)
    assert told.exit_code == 2, told.output
    assert told.stderr
    assert not Product.objects.exists()


def test_a_lost_marketplace_ends_with_one_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("MESH_CONFIG", str(tmp_path / "none.json"))
    monkeypatch.setattr("client.calls.ATTEMPTS", 2)
    told = CliRunner().invoke(cli, ["search", "rain", "--url", "http://127.0.0.1:9"])
    assert told.exit_code == 1
    assert "does not answer" in told.stderr


def test_what_a_program_writes_once_and_names_again_is_read(tmp_path):
    shared = ["rain"]
    file = tmp_path / "a.yaml"
    file.write_text(yaml.safe_dump([{"tags": shared}, {"tags": shared}]), "utf-8")
    assert "*" in file.read_text()
    assert product_files.read(file) == [{"tags": ["rain"]}, {"tags": ["rain"]}]


def test_dates_stay_text(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("products:\n- {title: 2024-05-01, summary: 2024-05-01T10:00:00Z}\n", "utf-8")
    assert product_files.read(file) == [{"title": "2024-05-01", "summary": "2024-05-01T10:00:00Z"}]


# The token


@REAL
def test_a_login_keeps_the_token_for_its_owner_only(mesh, live_server, token, monkeypatch, consumer):
    monkeypatch.delenv("MESH_TOKEN")
    assert mesh("whoami").exit_code == 1
    assert mesh("login", input="dmm_" + "0" * 60).exit_code == 1
    assert not credentials.path().exists()
    told = mesh("login", "--url", live_server.url, input=token + "\n")
    assert told.exit_code == 0, told.output
    assert stat.S_IMODE(credentials.path().stat().st_mode) == 0o600
    monkeypatch.delenv("MESH_URL")
    assert "producer" in mesh("whoami").stdout
    assert json.loads(mesh("whoami", "--json").stdout)["teams"] == ["climate-data-office"]
    credentials.path().chmod(0o644)
    told = mesh("whoami")
    assert (told.exit_code, "chmod 600" in told.stderr) == (2, True)
    credentials.path().chmod(0o600)
    credentials.path().write_text("{}")
    assert mesh("whoami").exit_code == 2


def test_a_kept_token_is_for_its_own_marketplace_only(tmp_path, monkeypatch):
    for name in ("MESH_TOKEN", "MESH_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MESH_CONFIG", str(tmp_path / "login.json"))
    credentials.save(credentials.Credentials("https://ours.example", "dmm_secret"))
    assert credentials.load().token == credentials.load("https://ours.example/").token == "dmm_secret"
    assert credentials.load("https://theirs.example").token == ""
    assert "dmm_secret" not in repr(credentials.load())


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://127.0.0.1:9", False),
        ("http://localhost:9", False),
        ("http://mesh.invalid", True),
        ("https://mesh.invalid", False),
    ],
)
def test_a_token_over_plain_http_is_warned_of(url, warned):
    assert credentials.Credentials(url, "dmm_x").is_open_to_listeners is warned
    assert not credentials.Credentials(url).is_open_to_listeners


def test_the_installed_command_needs_no_server_around_it(tmp_path):
    code = (
        "import sys, client.__main__; sys.exit(any(m.split('.')[0] in ('django', 'marketplace') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"HOME": str(tmp_path)}).returncode == 0
