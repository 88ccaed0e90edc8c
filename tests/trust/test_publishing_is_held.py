"""What stewards made blocking keeps a draft from being published, at every door, with the reason."""

import pytest

from marketplace.live import cache
from marketplace.live import services as live
from marketplace.trust import gate
from registry import services
from registry.models import Product
from registry.services import LinkData
from tests import gateways

US = "precipitation/us-precipitation"
REAL = pytest.mark.django_db(transaction=True)
ITEM = {
    "domain": "precipitation",
    "name": "harbour-tides",
    "title": "Harbour tides",
    "summary": "High and low water of forty harbours.",
}
FORM = {**ITEM, "access_mode": "open", "links-TOTAL_FORMS": "1", "links-INITIAL_FORMS": "0"}
NO_TYPE = "Type: The listing does not say whether"


def send(client, path, body):
    return client.post(path, body, content_type="application/json")


def test_the_form_keeps_what_was_typed_and_says_why(sign_in, producer, team, precipitation, blocking):
    blocking("type")
    desk = sign_in(producer)
    answer = desk.post("/publish/new/", FORM)
    assert answer.status_code == 422
    assert NO_TYPE in answer.content.decode()
    assert "High and low water" in answer.content.decode()
    assert not Product.objects.exists()
    assert desk.post("/publish/new/", {**FORM, "draft": "1"}).status_code == 302, "a draft may lack it"
    assert desk.post("/publish/new/", {**FORM, "name": "other", "type": "aggregate"}).status_code == 302


def test_the_button_says_why_and_the_draft_stays(sign_in, producer, setup_product, blocking):
    draft = setup_product("daily-rain", published=False)
    blocking("type")
    answer = sign_in(producer).post("/publish/precipitation/daily-rain/publish/", follow=True)
    assert NO_TYPE in answer.content.decode()
    draft.refresh_from_db()
    assert draft.lifecycle == "draft"


def test_the_api_says_why(sign_in, producer, setup_product, blocking):
    draft = setup_product("daily-rain", published=False)
    blocking("type")
    answer = send(sign_in(producer), f"/api/v1/products/{draft.uuid}/publish/", {})
    assert answer.status_code == 400
    assert NO_TYPE in answer.json()["errors"]["checklist"][0]


def test_a_batch_publishes_what_may_be_and_explains_the_rest(sign_in, producer, team, precipitation, blocking):
    blocking("type")
    products = [ITEM, {**ITEM, "name": "lake-levels", "type": "source-aligned"}]
    body = send(sign_in(producer), "/api/v1/products/batch/", {"products": products}).json()
    assert [row["result"] for row in body["results"]] == ["refused", "created"]
    assert NO_TYPE in body["results"][0]["errors"]["checklist"][0]
    assert [product.name for product in Product.objects.all()] == ["lake-levels"]


def test_a_product_without_documents_lacks_what_they_would_say(sign_in, producer, team, precipitation, blocking):
    blocking("slo")
    answer = send(sign_in(producer), "/api/v1/products/batch/", {"products": [ITEM]}).json()
    assert "No service level objective is promised" in answer["results"][0]["errors"]["checklist"][0]


@REAL
def test_by_link_what_its_documents_say_counts_at_once(
    celery_worker, sign_in, producer, team, precipitation, wait_for, blocking
):
    blocking("slo", "contract", "privacy")
    client = sign_in(producer)
    with gateways.running(US) as gateway:
        token = send(client, "/api/v1/register", {"url": gateway}).json()["token"]

        def done():
            answer = send(client, "/api/v1/register", {"inspection": token})
            return None if answer.status_code == 202 else answer

        answer = wait_for(done, 30)
    assert answer.status_code == 200, answer.content
    assert answer.json()["lifecycle"] == "published"


@REAL
def test_by_link_what_its_documents_lack_is_said(
    celery_worker, sign_in, producer, team, precipitation, wait_for, blocking
):
    blocking("steward")
    client = sign_in(producer)
    with gateways.running("precipitation/global-precipitation") as gateway:
        token = send(client, "/api/v1/register", {"url": gateway}).json()["token"]

        def done():
            answer = send(client, "/api/v1/register", {"inspection": token})
            return None if answer.status_code == 202 else answer

        answer = wait_for(done, 30)
        shown = client.get(f"/publish/link/{token}/checklist/").content.decode()
        assert (
            f'hx-get="/publish/link/{token}/checklist/"'
            in client.get("/publish/new/", {"link": token}).content.decode()
        )
    assert "what is needed to publish has to be there first" in shown
    assert "No member of its team has the role of a data steward" in shown
    assert answer.status_code == 400
    assert "Data steward: No member of its team" in answer.json()["errors"]["checklist"][0]
    assert not Product.objects.exists()


@REAL
def test_what_nobody_looked_at_is_asked_for_and_the_same_list_sent_again_goes_through(
    celery_worker, sign_in, producer, team, precipitation, wait_for, blocking
):
    blocking("slo")
    client = sign_in(producer)
    with gateways.running(US) as gateway:
        item = {**ITEM, "links": [{"rel": "discovery", "url": f"{gateway}/discover"}]}

        def put():
            return send(client, "/api/v1/products/batch/", {"products": [item]}).json()["results"][0]

        first = put()
        assert first["result"] == "refused"
        assert "Publish again in a few seconds" in first["errors"]["checklist"][-1]
        wait_for(lambda: put()["result"] == "created", 30)


def test_a_silent_product_cannot_be_published_while_its_documents_have_to_say_something(
    sign_in, producer, setup_product, blocking
):
    links = [LinkData("discovery", "http://127.0.0.1:9/discover")]
    draft = setup_product("silent", published=False, links=links)
    live.refresh(live.target_of(draft.pk))
    blocking("slo")
    answer = send(sign_in(producer), f"/api/v1/products/{draft.uuid}/publish/", {})
    assert answer.status_code == 400
    reasons = answer.json()["errors"]["checklist"]
    assert "Service level objectives: Not known" in reasons[0]
    assert reasons[-1].endswith("Keep it as a draft, and publish it when it answers.")


def test_nobody_has_more_than_so_many_addresses_asked_in_a_minute(
    sign_in, producer, setup_product, blocking, monkeypatch
):
    monkeypatch.setattr(gate, "MOST_ASKED", 2)
    blocking("slo")
    client = sign_in(producer)
    items = [
        {**ITEM, "name": f"tides-{n}", "links": [{"rel": "discovery", "url": f"http://127.0.0.1:9/{n}"}]}
        for n in range(3)
    ]
    rows = send(client, "/api/v1/products/batch/", {"products": items}).json()["results"]
    assert ["Too many products" in row["errors"]["checklist"][0] for row in rows] == [False, False, True]


def test_without_redis_nothing_is_claimed_to_be_asked(sign_in, producer, setup_product, blocking, settings):
    draft = setup_product("silent", published=False, links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    blocking("slo")
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    cache._redis_at.cache_clear()
    answer = send(sign_in(producer), f"/api/v1/products/{draft.uuid}/publish/", {})
    assert answer.status_code == 400
    assert "publish it when it answers" in answer.json()["errors"]["checklist"][-1]


def test_what_is_listed_stays_listed_and_can_be_resumed_and_edited(producer, setup_product, blocking):
    product = setup_product("daily-rain")
    blocking("type", "slo")
    services.pause(producer, product)
    services.resume(producer, product)
    data = services.ProductData("precipitation", "daily-rain", "Other", "Another summary.")
    assert services.update(producer, product, data, revision=product.revision).lifecycle == "published"


def test_by_default_nothing_blocks_and_it_costs_one_query(producer, setup_product, django_assert_max_num_queries):
    draft = setup_product("daily-rain", published=False)
    with django_assert_max_num_queries(12):
        assert services.publish(producer, draft).lifecycle == "published"


def test_an_outsider_learns_no_reason(sign_in, outsider, setup_product, blocking):
    draft = setup_product("daily-rain", published=False)
    blocking("type")
    assert send(sign_in(outsider), f"/api/v1/products/{draft.uuid}/publish/", {}).status_code == 404


@pytest.mark.parametrize("token", ["x" * 24, "short", "..%2F..", "%00", "<b>"])
def test_a_token_that_nobody_was_given_shows_nothing(sign_in, producer, client, token):
    path = f"/publish/link/{token}/checklist/"
    assert sign_in(producer).get(path).status_code == 404
    assert client.get(path).status_code in (302, 404)
    assert sign_in(producer).get("/publish/new/", {"link": f"a/{token}"}).status_code == 200
