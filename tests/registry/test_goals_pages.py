"""Goals on pages and over REST: what everybody reads, what stewards and owners change, and what hostile input does."""

import re

import pytest
from django.urls import reverse

from registry import goals
from registry.goals import PurposeData
from registry.models import Goal, Purpose
from search.indexer import index_products

CAST = [None, "consumer", "producer", "teammate", "outsider", "steward", "admin"]
HOSTILE = '<script>alert(1)</script> & "quotes" {{ 7|add:7 }}'
pytestmark = pytest.mark.django_db


@pytest.fixture
def person_of(request):
    """The person of the cast with that name; None for a visitor."""
    return lambda who: request.getfixturevalue(who) if who else None


@pytest.fixture
def insure(steward):
    """A goal."""
    return goals.create(
        steward, "Insure fairly against floods", summary="Prices follow the risk.\n\nNobody subsidises."
    )


@pytest.fixture
def pricing(steward, insure):
    """A use case of it."""
    return goals.create(steward, "Price floods per building", parent=insure)


@pytest.fixture
def served(setup_product, producer, pricing):
    """A published product that serves the use case."""
    product = setup_product("served-rain")
    goals.set_purposes(producer, product, [PurposeData(pricing.slug, "Losses fall.", "Loss ratio", "Below 60 %")])
    return product


def purposes_url(product):
    return reverse("publishing:purposes", args=[product.domain.slug, product.name])


def rows(product, *filled):
    """What the page's form sends."""
    data = {"revision": product.revision, "form-TOTAL_FORMS": len(filled) + 2, "form-INITIAL_FORMS": 0}
    for number, row in enumerate(filled):
        data |= {f"form-{number}-{name}": value for name, value in row.items()}
    return data


def test_a_visitor_goes_from_the_list_over_goal_and_use_case_to_the_product(client, insure, pricing, served):
    listed = client.get("/goals/").content.decode()
    assert insure.get_absolute_url() in listed
    assert pricing.get_absolute_url() in listed
    goal = client.get(insure.get_absolute_url()).content.decode()
    assert "Nobody subsidises." in goal
    for text in (pricing.title, served.get_absolute_url(), "Losses fall.", "Loss ratio", "Below 60 %"):
        assert text in goal
    use_case = client.get(pricing.get_absolute_url()).content.decode()
    assert f'href="{insure.get_absolute_url()}"' in use_case
    assert served.get_absolute_url() in use_case
    assert f"/browse/?goal={pricing.slug}" in use_case


def test_drafts_are_on_no_goals_page(client, setup_product, producer, pricing):
    draft = setup_product("hidden-rain", published=False)
    goals.set_purposes(producer, draft, [PurposeData(pricing.slug)])
    assert draft.urn not in client.get(pricing.get_absolute_url()).content.decode()
    assert client.get(f"/api/v1/goals/{pricing.slug}/").json()["count"] == 0
    assert client.get(f"/api/v1/products/{draft.uuid}/purposes/").status_code == 404


def test_the_product_page_loads_it_after_its_first_byte(client, served, insure, pricing):
    page = client.get(served.get_absolute_url()).content.decode()
    address = reverse("catalogue:product-goals", args=[served.domain.slug, served.name])
    assert f'hx-get="{address}"' in page
    assert "Losses fall." not in page
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    for text in (pricing.title, insure.title, "Losses fall."):
        assert text in part
    whole = client.get(address).content.decode()
    assert "<html" in whole
    assert "Losses fall." in whole


def test_a_product_that_serves_nothing_has_no_empty_section(client, setup_product):
    product = setup_product()
    address = reverse("catalogue:product-goals", args=[product.domain.slug, product.name])
    assert client.get(address, headers={"HX-Request": "true"}).content.decode().strip() == ""


@pytest.mark.parametrize("path", ["/goals/nowhere/", "/goals/nowhere/edit/", "/goals/nowhere/remove/"])
def test_a_goal_there_is_none_of_is_not_found(sign_in, steward, path):
    assert sign_in(steward).get(path).status_code == 404


@pytest.mark.parametrize("who", CAST)
def test_who_sees_the_forms_that_keep_the_tree(sign_in, person_of, insure, who):
    browser = sign_in(person_of(who))
    expected = 302 if who is None else 200 if who in {"steward", "admin"} else 403
    for path in ("/goals/new/", f"{insure.get_absolute_url()}edit/", f"{insure.get_absolute_url()}remove/"):
        answers = browser.get(path), browser.post(path, {"title": "Taken over", "confirm": "1"})
        assert answers[0].status_code == expected
        if expected != 200:
            assert answers[1].status_code == expected
    shown = "goals/new" in browser.get("/goals/").content.decode()
    assert shown == (who in {"steward", "admin"})
    if expected != 200:
        assert [goal.title for goal in Goal.objects.all()] == [insure.title]


def test_a_steward_adds_changes_and_removes(sign_in, steward, insure):
    browser = sign_in(steward)
    form = browser.get(f"/goals/new/?parent={insure.slug}").content.decode()
    assert re.search(rf'<option value="{insure.slug}" selected', form)
    added = browser.post("/goals/new/", {"title": "Warn in time", "parent": insure.slug})
    assert (added.status_code, added["Location"]) == (302, "/goals/warn-in-time/")
    again = browser.post("/goals/new/", {"title": "Warn in time", "parent": insure.slug})
    assert again.status_code == 422
    assert "There is a goal or use case warn-in-time already" in again.content.decode()
    assert browser.post("/goals/warn-in-time/edit/", {"title": "Warn early"}).status_code == 302
    assert Goal.objects.get(slug="warn-in-time").title == "Warn early"
    refused = browser.post(f"{insure.get_absolute_url()}remove/")
    assert refused.status_code == 422
    assert "has use cases" in refused.content.decode()
    assert browser.post("/goals/warn-in-time/remove/")["Location"] == insure.get_absolute_url()
    assert browser.post("/goals/warn-in-time/remove/").status_code == 404


def test_an_owner_says_what_a_product_is_for_and_takes_it_away(sign_in, producer, setup_product, pricing):
    product, browser = setup_product(), sign_in(producer)
    manage = browser.get(reverse("publishing:manage", args=[product.domain.slug, product.name])).content.decode()
    assert purposes_url(product) in manage
    assert (
        "Insure fairly against floods: Price floods per building" in browser.get(purposes_url(product)).content.decode()
    )
    row = {"goal": pricing.slug, "hypothesis": "Losses fall.", "measure": "Loss ratio", "target": ""}
    assert browser.post(purposes_url(product), rows(product, row)).status_code == 302
    assert Purpose.objects.get().hypothesis == "Losses fall."
    stale = browser.post(purposes_url(product), rows(product))
    assert stale.status_code == 422
    assert "Somebody else changed this product" in stale.content.decode()
    product.refresh_from_db()
    assert browser.post(purposes_url(product), rows(product, {"goal": ""})).status_code == 302
    assert not Purpose.objects.exists()


@pytest.mark.parametrize("who", CAST)
def test_who_may_open_the_owners_page(sign_in, person_of, setup_product, pricing, who):
    expected = 302 if who is None else 200 if who in {"producer", "teammate", "admin"} else 403
    product = setup_product()
    browser = sign_in(person_of(who))
    assert browser.get(purposes_url(product)).status_code == expected
    answer = browser.post(purposes_url(product), rows(product, {"goal": pricing.slug}))
    assert answer.status_code == (302 if expected == 200 else expected)
    assert Purpose.objects.exists() == (expected == 200)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"form-0-goal": "nowhere"}, "not one of the available choices"),
        ({"form-0-goal": "", "form-0-measure": "Loss ratio"}, "Choose what this is said of"),
        ({"form-0-hypothesis": "x" * 401}, "at most 400 characters"),
        ({"revision": ""}, "This form was changed"),
        ({"revision": "9" * 30}, "This form was changed"),
        ({"form-TOTAL_FORMS": "99999"}, "at most 12"),
        ({"form-TOTAL_FORMS": "x"}, "This form was changed"),
        ({"form-1-goal": "price-floods-per-building"}, "twice"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_kept(sign_in, producer, setup_product, pricing, change, told):
    product = setup_product()
    data = rows(product, {"goal": pricing.slug, "target": "Kept as typed"}, {"goal": ""}) | change
    answer = sign_in(producer).post(purposes_url(product), data)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Purpose.objects.exists()


def test_hostile_words_are_text_everywhere(sign_in, client, steward, producer, setup_product):
    goal = goals.create(steward, "Plain", summary="Also plain")
    Goal.objects.filter(pk=goal.pk).update(title=HOSTILE, summary=HOSTILE)
    product = setup_product()
    goals.set_purposes(producer, product, [PurposeData(goal.slug)])
    Purpose.objects.update(hypothesis=HOSTILE, measure=HOSTILE, target=HOSTILE)
    index_products([product.pk])
    fragment = reverse("catalogue:product-goals", args=[product.domain.slug, product.name])
    pages = ["/goals/", goal.get_absolute_url(), fragment, f"/browse/?goal={goal.slug}"]
    answers = [client.get(path) for path in pages]
    answers += [sign_in(producer).get(purposes_url(product)), sign_in(steward).get(f"{goal.get_absolute_url()}remove/")]
    for answer in answers:
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "{{ 7|add:7 }}" in text


def test_browsing_narrows_by_goal_with_a_facet_and_a_chip(client, served, setup_product, insure, pricing):
    other = setup_product("other-rain")
    index_products([served.pk, other.pk])
    everything = client.get("/browse/").content.decode()
    assert f"/browse/?goal={insure.slug}" in everything
    narrowed = client.get(f"/browse/?goal={insure.slug}").content.decode()
    assert served.get_absolute_url() in narrowed
    assert other.get_absolute_url() not in narrowed
    assert "Remove filter: </span>Insure fairly against floods" in narrowed
    typed = client.get("/search/", {"q": f"rain goal:{pricing.slug}"})
    assert typed["Location"] == f"/search/?q=rain&goal={pricing.slug}"
    assert client.get("/browse/", {"goal": "no\x00where' OR 1=1 --"}).status_code == 200


def test_the_api_finds_products_by_goal(client, served, setup_product, insure, pricing):
    setup_product("other-rain")
    for slug in (insure.slug, pricing.slug):
        found = client.get("/api/v1/products/", {"goal": slug}).json()["results"]
        assert [row["urn"] for row in found] == [served.urn]
    assert client.get("/api/v1/products/", {"goal": "no\x00where"}).status_code in (200, 400)
    (first, second) = client.get("/api/v1/goals/").json()
    assert (first["slug"], first["parent"], first["count"]) == (insure.slug, None, 1)
    assert (second["slug"], second["parent"], second["count"]) == (pricing.slug, insure.slug, 1)


@pytest.mark.parametrize("who", CAST)
def test_who_writes_over_the_api(sign_in, person_of, setup_product, insure, pricing, who):
    product = setup_product()
    browser = sign_in(person_of(who))
    json = {"content_type": "application/json"}
    governs, owns = who in {"steward", "admin"}, who in {"producer", "teammate", "admin"}
    refused = {401, 403}
    added = browser.post("/api/v1/goals/", {"title": "Warn in time", "parent": insure.slug}, **json)
    assert added.status_code == 201 if governs else added.status_code in refused
    changed = browser.patch(f"/api/v1/goals/{insure.slug}/", {"title": "Insure all"}, **json)
    assert changed.status_code == 200 if governs else changed.status_code in refused
    body = {"purposes": [{"goal": pricing.slug, "measure": "Loss ratio"}]}
    put = browser.put(f"/api/v1/products/{product.uuid}/purposes/", body, **json)
    assert put.status_code == 200 if owns else put.status_code in refused
    if owns:
        assert put.json()["purposes"][0]["parent"] == insure.slug
        stale = browser.put(f"/api/v1/products/{product.uuid}/purposes/", {"purposes": [], "revision": 1}, **json)
        assert (stale.status_code, Purpose.objects.count()) == (409, 1)
    removed = browser.delete(f"/api/v1/goals/{pricing.slug}/")
    assert removed.status_code in refused if not governs else removed.status_code == (409 if owns else 204)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purposes": "all"},
        {"purposes": [{"goal": "nowhere"}]},
        {"purposes": [{"goal": "no\x00where"}]},
        {"purposes": [{"goal": {"slug": "x"}}]},
        {"purposes": [{}] * 500},
        {"purposes": [], "revision": -1},
        {"purposes": [], "revision": "x"},
        [],
    ],
)
def test_a_body_that_does_not_fit_is_a_problem_document(sign_in, producer, setup_product, pricing, body):
    product = setup_product()
    answer = sign_in(producer).put(f"/api/v1/products/{product.uuid}/purposes/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Purpose.objects.exists()


def test_exports_say_what_a_product_is_for(client, served, insure, pricing, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nothing is asked of the product
    document = client.get(f"{served.get_absolute_url()}odps.json").json()
    custom = {entry["property"]: entry["value"] for entry in document["customProperties"]}
    assert custom["useCases"] == [
        {
            "useCase": pricing.title,
            "goal": insure.title,
            "hypothesis": "Losses fall.",
            "measure": "Loss ratio",
            "target": "Below 60 %",
        }
    ]
    (node,) = [
        node
        for node in client.get(f"{served.get_absolute_url()}dcat.jsonld").json()["@graph"]
        if "dprod:purpose" in node
    ]
    assert node["dprod:purpose"] == pricing.title


def test_a_question_that_speaks_of_a_goal_leads_to_it(client, served, pricing):
    index_products([served.pk])
    found = client.get("/search/", {"q": "price floods per building"}).content.decode()
    assert f"“{pricing.title}” is a use case here." in found
    assert f'href="{pricing.get_absolute_url()}"' in found
    assert "is a use case here" not in client.get("/search/", {"q": "measured every day"}).content.decode()
    narrowed = client.get("/search/", {"q": "price floods per building", "goal": pricing.slug}).content.decode()
    assert "is a use case here" not in narrowed
