"""From a bare CSV file to `gateway check` all green, with the commands as a producer types them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.gateway.test_serving import process

RAIN = "station_id,day,mm\n" + "".join(f"{7000 + n},2024-01-{n + 1:02d},{n * 0.5}\n" for n in range(28))


def gateway(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m gateway …`, away from any terminal."""
    command = [sys.executable, "-m", "gateway", *arguments]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def test_from_a_bare_csv_to_all_green_in_under_two_minutes(tmp_path: Path):
    begun = time.monotonic()
    folder = tmp_path / "rain"
    folder.mkdir()
    (folder / "rain.csv").write_text(RAIN)

    made = gateway(
        "init", str(folder), "--title", "Daily rain", "--domain", "precipitation", "--access", "open",
        "--owner", "Rain team, rain@example.org", "--summary", "Rain of each day at 28 stations.",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    valid = gateway("validate", "--strict", str(folder))
    assert (valid.returncode, valid.stdout) == (0, "0 errors, 0 warnings\n")

    with process(folder) as (port, _, _):
        url = f"http://127.0.0.1:{port}"
        told = gateway("check", url)
        report = json.loads(gateway("check", url, "--json").stdout)
    assert told.returncode == 0, told.stdout + told.stderr
    assert [result for result in report["results"] if result["outcome"] != "holds"] == []
    assert (report["claimed"], report["level"]) == ("consumable", "consumable")
    assert (folder / "rain.csv").read_text() == RAIN
    assert time.monotonic() - begun < 120


def test_data_that_needs_a_grant_is_refused_as_it_should_be(tmp_path: Path):
    folder = tmp_path / "rain"
    folder.mkdir()
    (folder / "rain.csv").write_text(RAIN)
    assert gateway("init", str(folder), "--summary", "Rain.").returncode == 0
    with process(folder) as (port, _, _):
        told = gateway("check", f"http://127.0.0.1:{port}", "--all")
    assert told.returncode == 0, told.stdout
    assert "which is not open, needs a grant" in told.stdout
