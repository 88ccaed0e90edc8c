"""What the checklist asks for is the stewards' to say, on the page and over REST, and is in the log."""

import pytest

from marketplace.trust import queries
from marketplace.trust.checklist import ITEMS
from registry.models import Event

PAGE, API = "/governance/checklist/", "/api/v1/checklist/"
CHOSEN = {item.key: item.level for item in ITEMS if not item.always}


def patch(client, **body):
    return client.patch(API, body, content_type="application/json")


def test_a_steward_sets_levels_and_the_log_says_which(sign_in, steward):
    answer = sign_in(steward).post(PAGE, {**CHOSEN, "slo": "blocking", "type": "advised", "revision": 0})
    assert answer.status_code == 302
    assert queries.levels() == {"slo": "blocking", "type": "advised"}
    event = Event.objects.get(type="policy.changed")
    assert (event.subject, event.actor) == ("urn:policy:checklist", "steward")
    assert event.data["levels"] == {"slo": ["mandatory", "blocking"], "type": ["mandatory", "advised"]}


def test_the_same_again_changes_nothing_and_says_nothing(sign_in, steward):
    client = sign_in(steward)
    assert patch(client, revision=0, levels={"slo": "blocking"}).json()["revision"] == 1
    assert patch(client, revision=1, levels={"slo": "blocking"}).json()["revision"] == 1
    assert Event.objects.filter(type="policy.changed").count() == 1


@pytest.mark.parametrize("send", ["page", "api"])
def test_of_two_stewards_the_second_is_told(sign_in, steward, admin, send):
    patch(sign_in(admin), revision=0, levels={"slo": "blocking"})
    second = sign_in(steward)
    if send == "api":
        answer = patch(second, revision=0, levels={"slo": "advised"})
        assert answer.status_code == 409
    else:
        answer = second.post(PAGE, {**CHOSEN, "slo": "advised", "revision": 0})
        assert answer.status_code == 422
    assert "Another steward changed the checklist meanwhile" in answer.content.decode()
    assert queries.levels() == {"slo": "blocking"}


@pytest.mark.parametrize(
    ("person", "reads", "writes"),
    [("consumer", 200, 403), ("producer", 200, 403), ("steward", 200, 200), ("admin", 200, 200), (None, 200, 401)],
)
def test_who_may(request, db, sign_in, person, reads, writes):
    client = sign_in(request.getfixturevalue(person) if person else None)
    assert client.get(API).status_code == reads
    assert patch(client, revision=0, levels={"slo": "blocking"}).status_code == writes
    answer = client.post(PAGE, {**CHOSEN, "revision": 1})
    assert answer.status_code == (302 if writes != 403 else 403)
    assert client.get(PAGE).status_code == (200 if person else 302)


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ({"owner": "advised"}, "always blocks"),
        ({"nonsense": "advised"}, "no such item"),
        ({"slo": "fatal"}, "is not a valid choice"),
        ({"slo": None}, "may not be null"),
        ([], "Expected a dictionary"),
        ("x" * 1000, "Expected a dictionary"),
    ],
)
def test_bad_levels_are_said(sign_in, steward, levels, says):
    answer = patch(sign_in(steward), revision=0, levels=levels)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert queries.levels() == {}
    assert not Event.objects.exists()


@pytest.mark.parametrize("change", [{"slo": "fatal"}, {"slo": ""}, {"revision": "x"}, {"revision": ""}])
def test_a_form_that_was_changed_is_shown_again(sign_in, steward, change):
    answer = sign_in(steward).post(PAGE, {**CHOSEN, "revision": 0, **change})
    assert answer.status_code == 422
    assert queries.levels() == {}


def test_the_api_lists_every_item_with_its_default(client, db):
    body = client.get(API).json()
    assert [row["key"] for row in body["items"]] == [item.key for item in ITEMS]
    assert {row["key"] for row in body["items"] if row["always"]} == {"owner", "name", "description", "domain"}
    assert all(row["level"] == row["default_level"] for row in body["items"])


def test_stewards_find_it_in_their_menu(sign_in, steward, producer):
    assert f'href="{PAGE}"' in sign_in(steward).get("/domains/").content.decode()
    assert f'href="{PAGE}"' not in sign_in(producer).get("/domains/").content.decode()
