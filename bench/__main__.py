"""`python -m bench`: starts a stack of its own, measures it, prints the figures.

Seconds depend on the machine; what stands beside a ratio can be compared between machines.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from bench import catalogue, datasets, gateway, journey, live, measure, publishing
from bench.stack import Stack

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def say(text: str) -> None:
    """Progress, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def percentiles(values: list[float]) -> str:
    """Median, 95th and 99th of milliseconds, as text."""
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:.1f} ms  p95 {cuts[94]:.1f} ms  p99 {cuts[98]:.1f} ms  ({len(values)} times)"


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[18]


def main() -> int:
    """Runs everything in order; about six minutes."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--questions", type=int, default=300, help="distinct questions asked (300)")
    parser.add_argument("--json", type=Path, help="also writes the figures to this file")
    options = parser.parse_args()
    figures: dict[str, object] = {}

    def line(name: str, value: str, **facts: object) -> None:
        figures[name] = facts or value
        print(f"{name:<44} {value}", flush=True)

    say("> starting a marketplace of its own with the demo")
    begun = time.monotonic()
    with Stack() as stack:
        line("everything ready after make run", f"{time.monotonic() - begun:.1f} s")
        source = SHARED_DATA / "aws-open-data" / "datasets.jsonl.gz"
        if source.is_file():
            rows = stack.folder / "products.jsonl"
            lines = list(catalogue.lines(source))
            count = len(lines)
            rows.write_text("\n".join(lines))
            begun = time.monotonic()
            stack.manage("import_products", str(rows))
            seconds = time.monotonic() - begun
            line(
                "import_products, without vectors",
                f"{count / seconds:.0f} products/s ({count} products, start included)",
            )
        else:
            say("> ../shared/data is absent: measuring over the demo's products only")
        say("> waiting for the vectors")
        begun = time.monotonic()
        made, total = measure.wait_for_vectors(stack)
        line("products with vectors", f"{made} of {total}, the last after {time.monotonic() - begun:.0f} s")

        say("> asking")
        search, floor = measure.search(stack, options.questions)
        line("search, whole request, uncached questions", percentiles(search), values=search)
        line("bare floor: embedding + one HNSW query", percentiles(floor), values=floor)
        line("search p95 as a multiple of the floor's", f"{p95(search) / p95(floor):.2f}")

        pages, bare = measure.product_pages(stack)
        line("product page, first byte", percentiles(pages), values=pages)
        line("same, as a multiple of /healthz", f"{p95(pages) / p95(bare):.2f} (p95)")

        say("> the live window under load")
        for name, figure in live.measure(stack):
            line(name, f"{figure:.2f}", figure=figure)

        say("> publishing")
        findable = measure.publish_to_findable(stack)
        line(
            "publish to findable",
            f"median {statistics.median(findable):.2f} s, longest {max(findable):.2f} s ({len(findable)} times)",
            values=findable,
        )

        for name, figure in publishing.measure(stack):
            line(name, f"{figure:.2f}", figure=figure)

        for name, figure in [*datasets.measure(stack), *journey.measure(stack)]:
            line(name, f"{figure:.2f}", figure=figure)

        memory = stack.memory()
        line("memory (PSS) of the whole stack", f"{memory.pop('all'):.0f} MB", **memory)
        for name, megabytes in sorted(memory.items(), key=lambda item: -item[1]):
            print(f"    {name:<40} {megabytes:.0f} MB")
    say("> the gateway alone")
    for name, found in gateway.measure().items():
        line(name, str(found), **(vars(found) if isinstance(found, gateway.Load) else {}))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
