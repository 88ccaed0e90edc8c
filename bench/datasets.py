"""A catalogue of 400 real datasets, thirty of them broken, published from its URL as a program does it.

`python -m bench.datasets` measures this alone, on a stack of its own.
"""

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from bench.publishing import token
from bench.served import serving
from bench.stack import Stack

SOURCE = Path(__file__).resolve().parents[2] / "shared" / "data" / "aws-open-data" / "datasets.jsonl.gz"
COUNT = 400
BROKEN = 30
LIMIT_SECONDS = 300


def catalogue(source: Path, count: int = COUNT, broken: int = BROKEN) -> dict[str, Any]:
    """A DCAT-US data.json of the first entries of the AWS open data registry, every so many without what they need."""
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        entries = [_entry(json.loads(line)) for line, _ in zip(lines, range(count), strict=False)]
    for number in range(broken):
        place = number * (count // broken)
        lacking = ("title", "description", "identifier")[number % 3]
        entries[place] = {key: value for key, value in entries[place].items() if key != lacking}
    return {"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": entries}


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    document = row["document"]
    return {
        "@type": "dcat:Dataset",
        "identifier": row["id"],
        "title": document["Name"],
        "description": document["Description"],
        "keyword": [tag for tag in document.get("Tags") or [] if isinstance(tag, str)],
        "accessLevel": "public",
        "landingPage": f"https://registry.opendata.aws/{row['id']}/",
    }


def measure(stack: Stack) -> Iterator[tuple[str, float]]:
    """Seconds from the address to the checklist, to the end of the run, and of the same again. Nothing without SOURCE.

    Raises RuntimeError where something else is published than what is sound.
    """
    if not SOURCE.is_file():
        return
    client = httpx2.Client(base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Token {token(stack)}"})
    with client, serving(catalogue(SOURCE)) as url:
        for name, expected in (("created", "new"), ("unchanged", "again")):
            begun = time.perf_counter()
            found = _until(client, "/inspections/", {"url": url})
            if name == "created":
                yield f"a catalogue of {COUNT} at a URL, until its list is there, s", time.perf_counter() - begun
            begun = time.perf_counter()
            run = _until(client, "/catalogues/", {"inspection": found["token"], "domain": "climate"})
            seconds = time.perf_counter() - begun
            counts = Counter(row["result"] for row in run["results"])
            if counts != {name: COUNT - BROKEN, "refused": BROKEN}:
                raise RuntimeError(f"published from the catalogue: {dict(counts)}, {run['problem']}")
            yield f"{COUNT - BROKEN} of them published, {BROKEN} explained, {expected}, s", seconds


def _until(client: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the address of the answer says once nothing is under way any more."""
    begun = time.perf_counter()
    said: dict[str, Any] = client.post(path, json=body).raise_for_status().json()
    address = said["address"]
    while said["poll_after_ms"] is not None:
        if time.perf_counter() - begun > LIMIT_SECONDS:
            raise RuntimeError(f"{path} did not come to an end: {str(said)[:300]}")
        time.sleep(0.05)
        said = client.get(address).raise_for_status().json()
    return said


if __name__ == "__main__":
    with Stack() as own:
        for figure, value in measure(own):
            print(f"{figure:<60} {value:.2f}", flush=True)
