"""`python -m bench.live`: the live window under load, against gateways in a process of their own.

Figures asked for: first byte of a product page p95 of at most 30 ms with 50 viewers while a tenth of the gateways hang;
live parts on the page within the gateway's own time + 250 ms; 300 products a second asked by one worker process;
1,000 products of which 50 hang asked anew within 15 s.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import psutil
import psycopg
import redis
from celery import Celery

from bench.fleet import PATHS, Fleet
from bench.stack import Stack
from marketplace.env import celery_broker
from marketplace.live.cache import PREFIX

DOMAIN = "bench-live"
PRODUCTS = 1000
HANGING = 50
BARE = 100
"""Products of the bare measurement: httpx2's pool walks all connections for each request, so few hosts flatter it."""
TOGETHER = 50  # products of one message (services.MANY, which needs the settings)
VIEWED = 100
AT_ONCE = 64
VIEWERS = 50
READING_SECONDS = (2.0, 8.0)
"""How long a viewer stays on a page before the next one."""
VIEWING_SECONDS = 20.0
GATEWAY_DELAY = 0.1
LIVE = re.compile(r'hx-get="([^"]+)" hx-trigger="load(?: delay:(\d+)ms)?, retry"')


def register(stack: Stack, domain: str, fleet: Fleet) -> list[int]:
    """Imports one product for each gateway; their ids, in order."""
    rows = stack.folder / f"{domain}.jsonl"
    lines = [
        {
            "domain": domain,
            "name": f"{domain}-{number:05d}",
            "title": f"Readings {number}",
            "summary": f"What station {number} measured, day by day.",
            "owner": "Stations",
            "links": [{"rel": "discovery", "url": url}],
        }
        for number, url in enumerate(fleet.urls)
    ]
    rows.write_text("\n".join(map(json.dumps, lines)))
    stack.manage("import_products", str(rows))
    with psycopg.connect(stack.state()["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute(
            "SELECT p.id FROM registry_product p JOIN registry_domain d ON d.id = p.domain_id WHERE d.slug = %s "
            "ORDER BY p.name",
            [domain],
        ).fetchall()
    assert len(found) == len(lines)
    return [row[0] for row in found]


class Worker:
    """The stack's worker process, asked through the broker as the pages ask it."""

    def __init__(self, stack: Stack) -> None:
        state = stack.state()
        self.redis = redis.Redis.from_url(state["REDIS_URL"])
        self.celery = Celery(broker=celery_broker(state["REDIS_URL"]))
        self.process = psutil.Process(next(e["pid"] for name, e in state["processes"].items() if name == "worker"))

    def refresh(self, products: list[int], together: int = TOGETHER, limit: float = 120.0) -> tuple[float, float]:
        """Has all of these asked anew; seconds until the last was, and seconds of the worker's processor.

        `together`: products of one message; 1: as viewers ask, each for the one they look at.
        """
        times = self.process.cpu_times()
        begun, wall = time.monotonic(), time.time()
        with self.celery.producer_pool.acquire(block=True) as producer:
            send = partial(self.celery.send_task, queue="live", ignore_result=True, producer=producer)
            for first in range(0, len(products), together):
                some = products[first : first + together]
                if together == 1:
                    send("live.refresh", args=some)
                else:
                    send("live.refresh_many", args=(some,))
        left = set(products)
        while left:
            if time.monotonic() - begun > limit:
                raise RuntimeError(f"{len(left)} of {len(products)} products were not asked within {limit:g} s")
            time.sleep(0.05)
            pipe = self.redis.pipeline(transaction=False)
            asked = list(left)
            for product in asked:
                pipe.hget(f"{PREFIX}p:{product}", "done_at")
            left -= {product for product, done in zip(asked, pipe.execute(), strict=True) if float(done or 0) > wall}
        spent = self.process.cpu_times()
        return time.monotonic() - begun, spent.user + spent.system - times.user - times.system

    def forget(self) -> None:
        """As if no product had ever been asked."""
        for key in self.redis.scan_iter(f"{PREFIX}*", count=1000):
            self.redis.delete(key)


def bare(urls: list[str]) -> float:
    """Products a second where one asyncio loop does no more than fetch and decode the same documents with httpx2."""

    async def ask(client: httpx2.AsyncClient, base: str) -> None:
        (await client.get(base + PATHS[0])).json()
        for answer in await asyncio.gather(*(client.get(base + path) for path in PATHS[1:])):
            answer.json()

    async def all_of_them() -> None:
        limits = httpx2.Limits(max_connections=500, max_keepalive_connections=500)
        waiting = iter(urls)
        async with httpx2.AsyncClient(limits=limits) as client:

            async def some() -> None:
                for url in waiting:
                    await ask(client, url.removesuffix(PATHS[0]))

            await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    begun = time.monotonic()
    asyncio.run(all_of_them())
    return len(urls) / (time.monotonic() - begun)


@dataclass
class Seen:
    """What viewers measured: milliseconds to the first byte, and to the last live part where the gateway answers."""

    first_byte: list[float]
    complete: list[float]


async def _view(client: httpx2.AsyncClient, address: str, seen: Seen, answers: bool) -> None:
    """Opens a page and asks for its live parts as a browser does, until each has its answer."""
    begun = time.perf_counter()
    async with client.stream("GET", address) as answer:
        answer.raise_for_status()
        chunks = answer.aiter_text()
        page = await anext(chunks)
        seen.first_byte.append((time.perf_counter() - begun) * 1000)
        page += "".join([chunk async for chunk in chunks])

    async def follow(found: re.Match[str]) -> None:
        step: re.Match[str] | None = found
        while step:
            await asyncio.sleep(int(step[2] or 0) / 1000)
            part = await client.get(step[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
            step = LIVE.search(part.text)

    parts = list(LIVE.finditer(page))
    assert parts, f"no live parts at {address}"
    await asyncio.gather(*(follow(part) for part in parts))
    if answers:
        seen.complete.append((time.perf_counter() - begun) * 1000)


async def _views(stack: Stack, addresses: list[str], hanging: int, viewers: int, seconds: float) -> Seen:
    seen = Seen([], [])
    until = time.monotonic() + seconds
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    choice = random.Random(7)  # noqa: S311 # the same for every run, not a secret

    async def viewer(client: httpx2.AsyncClient) -> None:
        await asyncio.sleep(choice.uniform(0, READING_SECONDS[1]))
        while time.monotonic() < until:
            number = choice.randrange(len(addresses))
            reading = asyncio.create_task(asyncio.sleep(choice.uniform(*READING_SECONDS)))
            await _view(client, addresses[number], seen, number < len(addresses) - hanging)
            await reading

    async with httpx2.AsyncClient(base_url=stack.url, limits=limits, timeout=60) as client:
        await asyncio.gather(*(viewer(client) for _ in range(viewers)))
    return seen


def viewed(stack: Stack, addresses: list[str], hanging: int, viewers: int = VIEWERS) -> Seen:
    """So many viewers for VIEWING_SECONDS, each on one random page after the other, where the last `hanging` hang."""
    return asyncio.run(_views(stack, addresses, hanging, viewers, VIEWING_SECONDS))


def alone(stack: Stack, addresses: list[str]) -> list[float]:
    """Milliseconds until all of a page is there, one viewer, one page after the other, none of them seen before."""
    seen = Seen([], [])

    async def each() -> None:
        async with httpx2.AsyncClient(base_url=stack.url, timeout=60) as client:
            for address in addresses:
                await _view(client, address, seen, True)

    asyncio.run(each())
    return seen.complete


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[18]


def measure(stack: Stack) -> Iterator[tuple[str, float]]:
    """All figures by name, each as soon as it is known; about three minutes on a machine that does nothing else."""
    yield from fetches(stack)
    yield from views(stack)


def fetches(stack: Stack) -> Iterator[tuple[str, float]]:
    """How fast a worker process asks products."""
    worker = Worker(stack)
    with Fleet(PRODUCTS, hanging=HANGING) as fleet:
        products = register(stack, DOMAIN, fleet)
        _settle(stack)
        fast = products[:-HANGING]
        floor = bare(fleet.urls[:BARE])
        yield "bare httpx2 + json, products/s", floor
        for name, together in (
            ("never seen", TOGETHER),
            ("asked again", TOGETHER),
            ("asked again, once more", TOGETHER),
            ("asked again, a message each", 1),
        ):
            seconds, busy = worker.refresh(fast, together)
            yield f"live, {name}, products/s", len(fast) / seconds
            yield f"live, {name}, as a multiple of bare", len(fast) / seconds / floor
            yield f"live, {name}, worker's processor, ms a product", busy / len(fast) * 1000
        worker.forget()
        yield "live, 1,000 products of which 50 hang, s", worker.refresh(products)[0]


def views(stack: Stack) -> Iterator[tuple[str, float]]:
    """What viewers of product pages wait for, and what a view costs the web process."""
    worker = Worker(stack)
    with Fleet(VIEWED, hanging=VIEWED // 10, delay=GATEWAY_DELAY) as fleet:
        register(stack, "bench-views", fleet)
        _settle(stack)
        addresses = [f"/products/bench-views/bench-views-{number:05d}/" for number in range(VIEWED)]
        # A gateway is asked twice in a row: its index, then all that the index leads to.
        gateway_ms = 2 * GATEWAY_DELAY * 1000
        worker.forget()
        shown = p95(alone(stack, addresses[: VIEWED // 3])) - gateway_ms
        yield "live parts visible, beyond the gateway, one viewer, p95 ms", shown
        worker.forget()
        before = busy(stack, "web")
        seen = viewed(stack, addresses, VIEWED // 10)
        spent = busy(stack, "web") - before
        yield f"product page, first byte, {VIEWERS} viewers, p50 ms", statistics.median(seen.first_byte)
        yield f"product page, first byte, {VIEWERS} viewers, p95 ms", p95(seen.first_byte)
        yield f"live parts visible, beyond the gateway, {VIEWERS} viewers, p95 ms", p95(seen.complete) - gateway_ms
        yield "web's processor, ms a page with its live parts", spent / len(seen.first_byte) * 1000
        yield "pages opened meanwhile", len(seen.first_byte)


def busy(stack: Stack, name: str) -> float:
    """Seconds of the processor that one of the stack's processes and its children have used."""
    process = psutil.Process(stack.state()["processes"][name]["pid"])
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def _settle(stack: Stack) -> None:
    """Waits for the vectors of what was imported, whose making would be measured with it."""
    from bench.measure import wait_for_vectors

    wait_for_vectors(stack)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--json", type=Path, help="also writes the figures to this file")
    parser.add_argument("--only", choices=("fetches", "views"), help="one half of it")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    part = {"fetches": fetches, "views": views, None: measure}[options.only]
    with Stack() as stack:
        for name, value in part(stack):
            figures[name] = value
            print(f"{name:<70} {value:10.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
