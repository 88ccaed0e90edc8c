"""Level `observable`: health, metrics, results and subscriptions."""

import re

from gateway.commands.conformance.asking import Answer
from gateway.commands.conformance.examination import Examination
from gateway.protocol import MEDIA_HEALTH, MEDIA_JSON, Health, Metrics, ObservabilityResults

_SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})? \S+( -?\d+)?')
NO_JSON = b"{"


def observable(found: Examination) -> None:
    """Everything under /observe."""
    found.level = "observable"
    _health(found)
    _metrics(found)
    _results(found)
    _lineage(found)
    _subscriptions(found)


def _health(found: Examination) -> None:
    url = found.place("health", "/observe/health")
    if url is None:
        return
    answer = found.asker.ask(url, token=found.token)
    status = answer.status if answer.status in (200, 503) else 200
    health = found.document("health", answer, Health, MEDIA_HEALTH, status)
    if health is None:
        return
    fits = (health.status == "fail") == (answer.status == 503)
    found.expect("health is 503 when it fails and only then", fits, "fail with 503", f"{health.status}, {status}", url)
    own = found.index.id if found.index else None
    found.expect("health names its product", health.service_id == own, f"serviceId {own}", health.service_id, url)
    found.expect("health rests on checks", bool(health.checks), "at least one check", f"{len(health.checks)}", url)
    every = [check.status for group in health.checks.values() for check in group]
    worst = next((status for status in ("fail", "warn", "pass") if status in every), health.status)
    found.expect("health is that of its worst check", health.status == worst, worst, health.status, url)
    found.caching("health", answer, exact=False)


def _metrics(found: Examination) -> None:
    url = found.place("metrics", "/observe/metrics")
    if url is None:
        return
    first = found.document("the metrics", found.asker.ask(url, token=found.token), Metrics, MEDIA_JSON)
    if first is None:
        return
    again = found.asker.ask(url, token=found.token)
    try:
        second = Metrics.model_validate_json(again.body).requests.total
    except ValueError:
        second = -1
    counts = second > first.requests.total
    found.expect("the metrics count requests", counts, f"more than {first.requests.total}", second, url)
    text = found.asker.ask(url, headers={"accept": "text/plain"}, token=found.token)
    wrong = _not_prometheus(text)
    found.expect("the metrics are there as Prometheus text", wrong is None, "text format 0.0.4", wrong or "so", url)


def _not_prometheus(answer: Answer) -> str | None:
    if answer.media_type != "text/plain":
        return str(answer)
    lines = [line for line in answer.body.decode(errors="replace").splitlines() if line.strip()]
    samples = [line for line in lines if not line.startswith("#")]
    if not samples:
        return "no sample"
    return next((f"the line {line[:100]!r}" for line in samples if not _SAMPLE.fullmatch(line)), None)


def _results(found: Examination) -> None:
    url = found.place("results", "/observe/results")
    if url is None:
        return
    answer = found.asker.ask(url, token=found.token)
    results = found.document("the results", answer, ObservabilityResults, MEDIA_JSON)
    if results is None:
        return
    version = results.api_version
    found.expect("the results are OORS 0.8", version.lstrip("v").startswith("0.8"), "0.8", version, url)
    ids = [result.id for result in results.results]
    found.expect("each result has an id of its own", len(set(ids)) == len(ids), "no id twice", f"{len(ids)} ids", url)


def _lineage(found: Examination) -> None:
    url = found.link("lineage")
    if url is None:
        return  # an extra of ours
    answer = found.asker.ask(url, token=found.token)
    try:
        events = answer.json()
        keys = {"eventTime", "producer", "schemaURL"}
        fits = answer.status == 200 and isinstance(events, list) and all(keys <= event.keys() for event in events)
        seen = f"{len(events)} events"
    except (ValueError, AttributeError, TypeError):
        fits, seen = False, str(answer)
    found.expect("the lineage is OpenLineage events", fits, "a list of events", seen, url)


def _subscriptions(found: Examination) -> None:
    url = found.place("subscriptions", "/observe/events/subscriptions")
    if url is not None:
        refuses_nonsense(found, "subscribing", url)


def refuses_nonsense(found: Examination, what: str, url: str) -> None:
    """Check that a POST without a document, and one to an address inside the gateway's network, are refused."""
    json_ = {"content-type": MEDIA_JSON}
    broken = found.asker.ask(url, "POST", headers=json_, content=NO_JSON, token=found.token)
    found.refusal(f"{what} with broken JSON is refused", broken, 400, 401, 403, 422)
    inside = b'{"url": "http://169.254.169.254/latest/meta-data/"}'
    answer = found.asker.ask(url, "POST", headers=json_, content=inside, token=found.token)
    found.refusal(f"{what} with an internal address is refused", answer, 400, 401, 403, 422)
