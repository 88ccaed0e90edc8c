"""A catalogue is pasted: its datasets are chosen and published at once, with a real worker and a real server."""

from typing import Any, cast

import pytest
from django.http import QueryDict

from bench.served import serving
from marketplace.live import inspection
from marketplace.publishing import catalogues
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
