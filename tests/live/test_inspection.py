"""Somebody pastes an address: what is there is found and said, and the form is filled as far as the product tells."""

import pytest

from marketplace.live import cache, inspection, services
from marketplace.live.inspection import SuggestedPort, first_sentences, inspect_url

from . import hostile
from .gateways import CONTRACT, INDEX, ODPS, gateway
from .hostile import answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def inspected(celery_worker, wait_for):
    """The end of an inspection by a real worker."""

    def run(url: str) -> inspection.Inspection:
        token = inspect_url(url)
        return wait_for(lambda: (found := inspection.inspection(token)).state != "waiting" and found)

    return run


def test_a_gateway_fills_the_form(inspected, server):
    found = inspected(gateway(server))
    assert found.state == "done"
    assert found.view.team.name == "Rain team"
    assert [contract.id for contract in found.contracts] == ["c-rain"]
    suggestions = found.suggestions
    assert (suggestions.title, suggestions.domain, suggestions.name) == ("Daily rain", "precipitation", "daily-rain")
    assert suggestions.summary == "Rain of each day. At three stations. Since 1990."
    assert (suggestions.type, suggestions.owner, suggestions.tags) == ("source-aligned", "Ada", ("Rain", "daily"))
    assert {(link.rel, link.url) for link in suggestions.links} == {
        ("discovery", server.url("/discover")),
        ("observability", server.url("/observe/health")),
        ("documentation", "https://docs.example/rain"),
    }
    assert suggestions.ports == (
        SuggestedPort("in", "raw", "raw-rain", "1.0.0"),
        SuggestedPort("out", "rain", "c-rain", "1.0.0"),
    )
    assert [step.state for step in found.steps] == ["live"] * 6
    assert found.problems == ()


def test_the_base_of_a_gateway_is_enough(inspected, server):
    gateway(server)
    for base in (server.base, server.base + "/"):
        found = inspected(base)
        assert found.state == "done"
        assert ("discovery", server.url("/discover")) in {(link.rel, link.url) for link in found.suggestions.links}


def test_a_web_page_at_the_base_leads_on_to_discover(inspected, server):
    gateway(server)
    server.route("/", answer("<!doctype html><html></html>", content_type="text/html"))
    assert inspected(server.url("/")).state == "done"


def test_a_bare_odps_and_a_bare_contract_are_recognised(inspected, server):
    import yaml

    url = server.route("/p.odps.yaml", answer(yaml.safe_dump(ODPS), content_type="application/yaml"))
    found = inspected(url)
    assert (found.state, found.view.standard, found.suggestions.name) == ("done", "ODPS v1.1.0", "daily-rain")
    url = server.route("/c.odcs.json", answer(CONTRACT))
    found = inspected(url)
    assert (found.state, found.suggestions.title, found.suggestions.domain) == (
        "done",
        "Rain contract",
        "precipitation",
    )
    assert {(link.rel, link.url) for link in found.suggestions.links} == {("discovery", url), ("contract", url)}


def test_parts_that_fail_are_named_while_the_rest_is_used(inspected, server):
    found = inspected(gateway(server, metadata=answer(b"", 500)))
    assert found.state == "done"
    assert found.suggestions.title == "Daily rain"
    assert [problem.kind for problem in found.problems] == ["bad_status"]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (answer(b"", 404), "bad_status"),
        (answer({"some": "json"}), "unknown_format"),
        (answer("<html></html>", content_type="text/html"), "bad_content"),
        (answer(b"[" * 10_000), "bad_content"),
        (hostile.hang, "slow"),
        (hostile.reset, "unreachable"),
        (hostile.endless, "too_large"),
        (hostile.redirect("http://127.0.0.2/"), "refused_address"),
        (hostile.redirect("/x"), "bad_redirect"),
    ],
)
def test_what_cannot_be_used_ends_with_the_reason(inspected, server, handler, kind):
    found = inspected(server.route("/x", handler))
    assert (found.state, found.problems[0].kind) == ("failed", kind)
    assert found.problems[0].message
    assert found.problems[0].advice


@pytest.mark.parametrize(
    "url", ["", "no address", "javascript:alert(1)", "http://user:pw@127.0.0.1/", "x" * 100_000, "http://\x00/"]
)
def test_an_address_that_is_none_is_said_without_a_worker(url, fresh_redis):
    found = inspection.inspection(inspect_url(url))
    assert (found.state, found.problems[0].kind) == ("failed", "bad_url")
    assert fresh_redis.llen("live") == 0


def test_an_unknown_or_old_token_is_expired():
    for token in ("", "x" * 24, "../../etc/passwd", "p:5", "a" * 5000):
        assert inspection.inspection(token).state == "expired"


def test_without_redis_or_workers_the_person_is_told(settings, fresh_redis):
    token = inspect_url("http://127.0.0.1:8100/")
    assert inspection.inspection(token).state == "waiting"
    fresh_redis.hset(cache.key(inspection.subject_of(token)), "waiting_since", "1")
    assert (inspection.inspection(token).state, inspection.inspection(token).problems[0].kind) == (
        "unavailable",
        "no_workers",
    )
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert inspection.inspection(inspect_url("http://127.0.0.1:8100/")).state == "unavailable"


def test_an_inspection_is_kept_for_an_hour_and_no_longer(inspected, server, fresh_redis):
    inspected(gateway(server))
    keys = fresh_redis.keys(f"{cache.PREFIX}i*")
    kinds = {key.decode().removeprefix(cache.PREFIX).partition(":")[0] for key in keys}
    assert kinds == {"i", "inspection-url", "inspection-of"}
    for key in keys:
        assert 0 < fresh_redis.ttl(key) <= 3600


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("", ""),
        ("One.", "One."),
        ("One. Two! Three? Four.", "One. Two! Three?"),
        ("Data of 3.5 mm, e.g. rain. Two.\n\nThree. Four.", "Data of 3.5 mm, e.g. rain. Two. Three."),
    ],
)
def test_a_summary_is_three_sentences(text, short):
    assert first_sentences(text) == short


def test_a_sentence_without_end_is_cut_at_a_word():
    short = first_sentences("word " * 1000)
    assert len(short) < 620
    assert short.endswith("word …")


def test_titles_and_names_fit_what_the_registry_takes(inspected, server):
    index = {**INDEX, "title": "T" * 500, "name": "Ünï cödé / ../x " * 20, "tags": [f"Tag {n}" for n in range(50)]}
    suggestions = inspected(gateway(server, index=answer(index))).suggestions
    assert len(suggestions.title) == 140
    assert len(suggestions.name) <= 63
    assert suggestions.name.startswith("uni-code-x")
    assert not suggestions.name.endswith("-")
    assert len(suggestions.tags) <= 8


def test_the_subject_of_an_inspection_is_no_products():
    assert inspection.subject_of("5") != services.subject_of(5)


def test_an_inspection_that_no_worker_took_is_asked_again(fresh_redis, monkeypatch):
    """The task expires while the worker is away; whoever still looks puts the question again."""
    token = inspection.inspect_url("http://127.0.0.1:8999/x")
    fresh_redis.delete("live")
    fresh_redis.delete(cache._flight_key(inspection.subject_of(token)))
    assert inspection.inspection(token).state == "waiting"
    assert fresh_redis.llen("live") == 1
