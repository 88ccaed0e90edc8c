"""A catalogue is pasted: its datasets are chosen and published at once, with a real worker and a real server."""

from datetime import timedelta
from typing import Any, cast

import pytest
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from bench.served import serving
from marketplace.live import cache, inspection
from marketplace.publishing import catalogue_views, catalogues, tasks
from marketplace.publishing.catalogue_forms import CatalogueForm
from marketplace.publishing.models import CatalogueRun
from registry.models import Event, Product, Tag

from .written import catalogue, dataset

BROKEN = [
    {"title": ""},
    {"description": None},
    {"identifier": None},
    {"title": "<b></b>", "identifier": "雨"},
    {"description": "<p></p>"},
]


@pytest.fixture
def pasted(db):
    """The token of a catalogue that was looked at as a worker does it."""

    def paste(url: str) -> str:
        token = inspection.inspect_url(url)
        inspection.inspect(token, url)
        return token

    return paste


@pytest.fixture
def over(db):
    """The end of the run that a POST led to, worked off as a worker does it."""

    def work(answer) -> CatalogueRun:
        run = CatalogueRun.objects.get(uuid=answer.headers["Location"].rstrip("/").rpartition("/")[2])
        catalogues.run(run.pk)
        run.refresh_from_db()
        assert run.is_over
        return run

    return work


def counts(run: CatalogueRun) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in run.results:
        found[row["result"]] = found.get(row["result"], 0) + 1
    return found


FORM = {"domain": "precipitation", "access_mode": "open"}


def test_sound_datasets_are_published_and_broken_ones_explained(pasted, over, sign_in, producer, team, precipitation):
    rows = [dataset(number) for number in range(40)]
    for number, changes in enumerate(BROKEN):
        rows[number * 7] = dataset(number * 7, **changes)
    rows[38] = "words"
    client = sign_in(producer)
    Tag.objects.create(slug="rain", label="Rain")
    with serving(catalogue(rows)) as url:
        token = pasted(url)
        page = client.get(f"/publish/link/{token}/", follow=True)
        assert page.redirect_chain[-1][0] == f"/publish/catalogue/{token}/"
        assert page.content.decode().count('name="dataset"') == 34
        answer = client.post(f"/publish/catalogue/{token}/", {**FORM, "all": "1"})
    run = over(answer)
    assert counts(run) == {"created": 34, "refused": 6}
    assert Product.objects.filter(lifecycle="published").count() == 34
    assert all(row["reason"] for row in run.results if row["result"] == "refused")

    page = client.get(answer.headers["Location"]).content.decode()
    assert "34 of 40 published" in page
    for place in ("dataset[0]", "dataset[7]", "dataset[14]", "dataset[21]", "dataset[28]", "dataset[38]"):
        assert place in page
    product = Product.objects.get(name="gauge-1")
    assert product.access_mode == "open"
    assert product.owner == team
    assert product.links.get(rel="discovery").url == f"{url}#dataset=https://gauges.example/1"
    assert [tag.slug for tag in product.tags.all()] == ["rain"], "words that are not in the glossary need a tick"
    assert Tag.objects.count() == 1


def test_again_nothing_changes_and_a_second_submit_is_the_same_run(
    pasted, over, sign_in, producer, team, precipitation
):
    client = sign_in(producer)
    with serving(catalogue([dataset(number) for number in range(6)])) as url:
        token = pasted(url)
        chosen = {**FORM, "dataset": ["0", "2"], "chosen": "4-99"}
        first = client.post(f"/publish/catalogue/{token}/", chosen)
        over(first)
        second = client.post(f"/publish/catalogue/{token}/", chosen)
        assert second.headers["Location"] == first.headers["Location"]
        assert sorted(Product.objects.values_list("name", flat=True)) == ["gauge-0", "gauge-2", "gauge-4", "gauge-5"]
        events = Event.objects.count()
        again = client.post(f"/publish/catalogue/{pasted(url)}/", chosen)
        assert counts(over(again)) == {"unchanged": 4}
        assert Event.objects.count() == events


def test_a_run_that_was_stopped_goes_on_where_it_was(pasted, over, sign_in, producer, team, precipitation, fresh_redis):
    with serving(catalogue([dataset(number) for number in range(5)])) as url:
        token = pasted(url)
        wanted = catalogues.Wanted(precipitation, team, "open")
        run, _ = catalogues.begin(producer, token, None, wanted)
    settled = {"place": "dataset[0]", "title": "Gauge 0", "result": "created", "urn": "urn:dp:x:y", "reason": ""}
    CatalogueRun.objects.filter(pk=run.pk).update(state="running", results=[settled])
    catalogues.run(run.pk)
    run.refresh_from_db()
    assert (run.state, len(run.results), Product.objects.count()) == ("done", 5, 4)
    events = Event.objects.count()
    catalogues.run(run.pk)
    assert Event.objects.count() == events, "a task that is delivered twice does nothing the second time"


def test_a_catalogue_that_is_no_longer_kept_says_so(pasted, producer, team, precipitation, fresh_redis, sign_in):
    with serving(catalogue([dataset(0), dataset(1)])) as url:
        token = pasted(url)
        run, _ = catalogues.begin(producer, token, None, catalogues.Wanted(precipitation, team, "open"))
    fresh_redis.flushdb()
    catalogues.run(run.pk)
    page = sign_in(producer).get(f"/publish/runs/{run.uuid}/").content.decode()
    assert "no longer kept" in page
    assert not Product.objects.exists()
    gone = sign_in(producer).get(f"/publish/catalogue/{token}/", follow=True).content.decode()
    assert "no longer kept" in gone


@pytest.fixture
def begun(pasted, producer, team, precipitation):
    """A run of two datasets that no worker has taken."""
    with serving(catalogue([dataset(0), dataset(1)])) as url:
        return catalogues.begin(producer, pasted(url), None, catalogues.Wanted(precipitation, team, "open"))[0]


def test_a_lost_redis_lets_a_run_wait_and_it_is_taken_up_again(begun, settings):
    reachable, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    catalogues.run(begun.pk)
    begun.refresh_from_db()
    assert (begun.state, begun.problem) == ("running", "")
    settings.REDIS_URL = reachable
    CatalogueRun.objects.update(beat_at=begun.created_at - catalogues.STALE)
    catalogues.run(begun.pk)
    assert Product.objects.count() == 2


def test_a_run_without_a_catalogue_that_is_still_asked_for_waits(begun, fresh_redis):
    fresh_redis.delete(cache.key(inspection.subject_of(begun.inspection)))
    catalogues.run(begun.pk)
    begun.refresh_from_db()
    assert begun.state == "running"


def test_a_run_of_a_closed_account_ends(begun, producer):
    producer.is_active = False
    producer.save()
    catalogues.run(begun.pk)
    begun.refresh_from_db()
    assert (begun.state, begun.problem) == ("failed", "The account that began this is closed.")
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("state", "silent_for", "woken"),
    [
        ("queued", None, True),  # no worker ever took it
        ("running", 2 * catalogues.STALE, True),
        ("running", 0 * catalogues.STALE, False),
        ("done", 2 * catalogues.STALE, False),
        ("failed", None, False),
    ],
)
def test_runs_that_nobody_looks_at_are_taken_up_again(begun, monkeypatch, state, silent_for, woken):
    beat = None if silent_for is None else timezone.now() - silent_for
    CatalogueRun.objects.update(state=state, beat_at=beat, created_at=begun.created_at - timedelta(hours=1))
    sent: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_catalogue", sent.append)
    tasks.resume()
    assert sent == ([begun.pk] if woken else [])
    assert "publishing.resume" in [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]


def test_what_was_refused_is_tried_again_when_it_is_sent_again(
    pasted, over, sign_in, producer, setup_product, django_capture_on_commit_callbacks, monkeypatch
):
    client = sign_in(producer)
    in_the_way = setup_product("gauge-0")
    with serving(catalogue([dataset(0), dataset(1), dataset(2, title="")])) as url:
        path = f"/publish/catalogue/{pasted(url)}/"
        first = over(client.post(path, {**FORM, "all": "1"}))
        assert counts(first) == {"created": 1, "refused": 2}
        in_the_way.delete()
        sent: list[int] = []
        monkeypatch.setattr(catalogue_views, "enqueue_catalogue", sent.append)
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(path, {**FORM, "all": "1"})
    assert sent == [first.pk]
    again = over(answer)
    assert (again.pk, counts(again)) == (first.pk, {"created": 2, "refused": 1})
    assert Event.objects.filter(subject="urn:dp:precipitation:gauge-1", type="product.published").count() == 1


def test_a_run_that_failed_is_tried_again_when_it_is_sent_again(begun, producer, team, precipitation):
    CatalogueRun.objects.update(state="failed", problem="Stopped.")
    same, new = catalogues.begin(producer, begun.inspection, None, catalogues.Wanted(precipitation, team, "open"))
    assert (same.pk, new, same.state, same.problem) == (begun.pk, True, "queued", "")
    catalogues.run(same.pk)
    assert Product.objects.count() == 2


def test_one_person_has_two_runs_at_a_time(begun, sign_in, producer, teammate, team, precipitation):
    def post(who, *places: str):
        return sign_in(who).post(
            "/api/v1/catalogues/",
            {
                "inspection": begun.inspection,
                "domain": "precipitation",
                "access_mode": "open",
                "datasets": [f"dataset[{place}]" for place in places],
            },
            content_type="application/json",
        )

    assert post(producer, "0").status_code == 202
    refused = post(producer, "1")
    assert refused.status_code == 400
    assert "2 catalogues of yours are being published already" in refused.content.decode()
    page = sign_in(producer).post(f"/publish/catalogue/{begun.inspection}/", {**FORM, "dataset": "1"})
    assert page.status_code == 422
    assert "are being published already" in page.content.decode()
    assert post(producer, "0").status_code == 202, "what was sent already is that run"
    assert post(teammate, "1").status_code == 202
    catalogues.run(begun.pk)
    assert post(producer, "1").status_code == 202


def test_what_is_there_already_is_never_overwritten(
    pasted, over, sign_in, producer, team, precipitation, setup_product
):
    setup_product("gauge-0", title="Mine, and something else")
    with serving(catalogue([dataset(0), dataset(1)])) as url:
        from registry.services import LinkData

        setup_product("my-gauge", links=[LinkData("discovery", f"{url}#dataset=https://gauges.example/1")])
        run = over(sign_in(producer).post(f"/publish/catalogue/{pasted(url)}/", {**FORM, "all": "1"}))
    said = {row["place"]: row for row in run.results}
    assert "another product" in said["dataset[0]"]["reason"]
    assert (said["dataset[1]"]["result"], said["dataset[1]"]["urn"]) == ("already", "urn:dp:precipitation:my-gauge")
    assert Product.objects.get(name="gauge-0").title == "Mine, and something else"
    assert Product.objects.count() == 2


def test_others_neither_read_a_run_nor_publish_for_the_team(
    pasted, sign_in, producer, teammate, outsider, team, precipitation, client
):
    with serving(catalogue([dataset(0), dataset(1)])) as url:
        token = pasted(url)
        run, _ = catalogues.begin(producer, token, None, catalogues.Wanted(precipitation, team, "open"))
        page = sign_in(outsider).post(f"/publish/catalogue/{token}/", {**FORM, "all": "1", "owner": team.slug})
    assert page.status_code == 302
    assert not CatalogueRun.objects.filter(person=outsider, owner=team).exists()
    assert sign_in(outsider).get(f"/publish/runs/{run.uuid}/").status_code == 404
    assert sign_in(teammate).get(f"/publish/runs/{run.uuid}/").status_code == 200
    assert client.get(f"/publish/runs/{run.uuid}/").status_code == 302


@pytest.mark.parametrize(
    "typed",
    [
        "dataset=x&dataset=-1&dataset=99999999999&dataset=٣",
        "chosen=9-1,a-b,,0-",
        "chosen=0&domain=nowhere",
        "chosen=0&access_mode=maybe",
    ],
)
def test_a_form_that_was_tampered_with_is_refused(typed, producer, precipitation):
    def is_taken(query: str) -> bool:
        data = QueryDict(query, mutable=True)
        for key, value in FORM.items():
            data.setdefault(key, value)
        return CatalogueForm(data, user=producer, datasets=cast(Any, [None] * 9)).is_valid()

    assert is_taken("chosen=0")
    assert not is_taken(typed)


def test_ticks_come_one_by_one_or_as_spans(producer):
    form = CatalogueForm(QueryDict("dataset=3&dataset=1&chosen=5-7,0"), user=producer, datasets=cast(Any, [None] * 7))
    assert form.numbers() == {0, 1, 3, 5, 6}


@pytest.mark.django_db(transaction=True)
def test_a_program_publishes_a_catalogue_and_a_worker_does_it(
    celery_worker, pasted, sign_in, producer, outsider, team, precipitation, wait_for
):
    client = sign_in(producer)
    with serving(catalogue([dataset(0), dataset(1), dataset(2, title="")])) as url:
        token = pasted(url)
        found = client.get(f"/api/v1/inspections/{token}").json()
        assert [row["problem"] for row in found["catalogue"]["datasets"]] == ["", "", "It has no title."]

        def post(**body):
            return client.post("/api/v1/catalogues/", {"inspection": token, **body}, content_type="application/json")

        assert post(domain="nowhere").status_code == 400
        assert "not in a team" in post(domain="precipitation", owner="others").json()["errors"]["owner"][0]
        assert post(domain="precipitation", datasets=["dataset[2]"]).status_code == 400
        answer = post(domain="precipitation", datasets=["dataset[1]"])
        assert answer.status_code == 202
        assert post(domain="precipitation", datasets=["dataset[1]"]).json()["address"] == answer.json()["address"]
        body = wait_for(lambda: (body := client.get(answer.json()["address"]).json())["poll_after_ms"] is None and body)
    assert {row["place"]: row["result"] for row in body["results"]} == {
        "dataset[1]": "created",
        "dataset[2]": "refused",
    }
    assert Product.objects.get().urn == "urn:dp:precipitation:gauge-1"
    assert sign_in(outsider).get(answer.json()["address"]).status_code == 404
