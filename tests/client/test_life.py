"""A product's life by library and command: steps, taking them back, other teams, and the events that tell of it."""

import json
import threading

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from client import Event, MarketplaceError, NotFoundError, Offer, Product, RefusedError, calls
from client import marketplace as library
from client.__main__ import cli
from marketplace.accounts import tokens
from registry import models
from tests.client.conftest import rain
from tests.client.test_library import proxy

REAL = pytest.mark.django_db(transaction=True)
ADDRESS = "precipitation/rain-1"
URN = "urn:dp:precipitation:rain-1"


@pytest.fixture
def published(there):
    """Two products, of which the first is paused and resumed."""
    list(there.publish_many([rain(1), rain(2)]))
    there.lifecycle(ADDRESS, "pause")
    there.lifecycle(ADDRESS, "resume")


@pytest.fixture
def draft(there):
    """One product that nobody else sees."""
    list(there.publish_many([rain(1)], publish=False))


# Steps


@REAL
def test_a_step_is_taken_back_once(there, published):
    there.deprecate(ADDRESS, successor="urn:dp:precipitation:rain-2", retires_on=timezone.localdate(), message="Bye.")
    assert models.Deprecation.objects.get().successor.name == "rain-2"
    assert there.undo(ADDRESS).lifecycle == "published"
    with pytest.raises(RefusedError) as caught:
        there.undo(ADDRESS)
    assert caught.value.status == 409


@REAL
def test_the_same_by_command(mesh, published):
    told = mesh("lifecycle", "deprecate", ADDRESS, "--on", "2999-01-31", "--message", "Bye.")
    assert told.exit_code == 0, told.output
    assert str(models.Deprecation.objects.get().retires_on) == "2999-01-31"
    told = mesh("undo", ADDRESS)
    assert (told.exit_code, told.stdout) == (0, f"{URN} is published.\n")
    assert mesh("undo", ADDRESS).exit_code == 1
    mesh("lifecycle", "pause", ADDRESS)
    assert json.loads(mesh("undo", ADDRESS, "--json").stdout)["lifecycle"] == "published"


@pytest.mark.parametrize(
    "arguments",
    [
        ["undo"],
        ["transfer", "offer", ADDRESS],
        ["events", "--after", "x"],
        ["events", "--after", "-1"],
        ["events", "--limit", "0"],
        ["publish", "https://a.example", "--access", "nobody"],
        ["publish", "-f", "x.yaml", "--access", "open"],
    ],
)
def test_what_is_used_wrongly_ends_with_two_and_asks_nobody(arguments):
    told = CliRunner().invoke(cli, arguments, env={"MESH_URL": "http://127.0.0.1:9"})
    assert told.exit_code == 2, told.output


# Other teams


@REAL
def test_a_draft_is_offered_found_and_accepted(there, elsewhere, draft, receivers):
    offer = there.transfer(ADDRESS, receivers.slug)
    assert isinstance(offer, Offer)
    assert there.offers() == elsewhere.offers() == [offer]
    assert (offer.urn, offer.owner, offer.team) == (URN, "climate-data-office", "receivers")
    with pytest.raises(NotFoundError):
        elsewhere.product(ADDRESS)
    with pytest.raises(RefusedError, match="Only Receivers may accept"):
        there.accept(ADDRESS)
    assert elsewhere.accept(ADDRESS).owner == "receivers"
    assert there.offers() == elsewhere.offers() == []
    with pytest.raises(NotFoundError, match="not offered"):
        elsewhere.accept(ADDRESS)


@REAL
def test_an_offer_ends_and_who_is_in_both_teams_needs_none(there, elsewhere, published, receivers, producer):
    for who in (there, elsewhere):
        there.transfer(ADDRESS, receivers.slug)
        who.end_offer(ADDRESS)
        assert there.offers() == []
    with pytest.raises(NotFoundError):
        there.end_offer(ADDRESS)
    receivers.members.add(producer)
    given = there.transfer(URN, receivers.slug)
    assert isinstance(given, Product)
    assert given.owner == "receivers"


@REAL
def test_offers_are_for_the_two_teams_alone(there, draft, receivers, live_server, consumer):
    there.transfer(ADDRESS, receivers.slug)
    with library.Marketplace(live_server.url, tokens.create_token(consumer, "x", 30)[1]) as third:
        assert third.offers() == []
        with pytest.raises(NotFoundError):
            third.end_offer(ADDRESS)
    with library.Marketplace(live_server.url) as visitor, pytest.raises(RefusedError):
        visitor.offers()


@REAL
def test_transfers_by_command(mesh, draft, receivers, outsider, monkeypatch):
    assert mesh("transfer", "offer", ADDRESS, "nobody").exit_code == 1
    told = mesh("transfer", "offer", ADDRESS, "receivers")
    assert (told.exit_code, told.stdout) == (0, f"{URN} is offered to receivers.\n")
    assert json.loads(mesh("transfer", "offer", ADDRESS, "receivers", "--json").stdout)["given"] is False
    assert "from climate-data-office to receivers" in mesh("transfer", "list").stdout
    (listed,) = json.loads(mesh("transfer", "list", "--json").stdout)["offers"]
    assert listed["urn"] == URN
    assert json.loads(mesh("transfer", "end", ADDRESS, "--json").stdout) == {"ended": True}
    assert mesh("transfer", "end", ADDRESS).exit_code == 1
    mesh("transfer", "offer", ADDRESS, "receivers")
    monkeypatch.setenv("MESH_TOKEN", tokens.create_token(outsider, "mesh", 30)[1])
    told = mesh("transfer", "accept", ADDRESS)
    assert (told.exit_code, told.stdout) == (0, f"{URN} belongs to receivers now.\n")


# A team's token


@REAL
def test_a_pipeline_publishes_with_the_token_of_its_team(mesh, producer, team, tmp_path, monkeypatch):
    monkeypatch.setenv("MESH_TOKEN", tokens.create_token(producer, "pipeline", 30, team)[1])
    file = tmp_path / "products.json"
    file.write_text(json.dumps([rain(1), rain(2, owner="others")]))
    told = mesh("publish", "-f", file, "--json")
    assert told.exit_code == 1
    assert (json.loads(told.stdout)["created"], json.loads(told.stdout)["refused"]) == (1, 1)
    assert "Acts for climate-data-office" in mesh("whoami").stdout
    assert json.loads(mesh("whoami", "--json").stdout)["acts_for"] == "climate-data-office"
    told = mesh("transfer", "offer", ADDRESS, "climate-data-office")
    assert told.exit_code == 1
    assert "token of a person" in told.stderr


# Events


@REAL
def test_events_are_read_to_their_end_and_gone_on_with(there, published):
    found = list(there.events())
    assert [event.id for event in found] == list(models.Event.objects.values_list("id", flat=True))
    assert all(isinstance(event, Event) for event in found)
    assert list(there.events(after=found[2].id)) == found[3:]
    assert [event.type for event in there.events(subject=ADDRESS, types=["product.paused"])] == ["product.paused"]
    assert list(there.events(after=there.position())) == []
    with pytest.raises(MarketplaceError, match="not the address of a product"):
        list(there.events(subject="nonsense"))


@REAL
def test_who_follows_misses_nothing_and_survives_that_the_marketplace_is_away(
    there, published, live_server, token, monkeypatch
):
    monkeypatch.setattr(calls, "ATTEMPTS", 1)
    breaks = ["", "", "cut", "busy"]
    with proxy(live_server.url, breaks) as (url, seen), library.Marketplace(url, token) as follower:
        start = follower.position()
        stream = follower.events(after=start, follow=True, every=0.01)
        got = []
        reader = threading.Thread(target=lambda: got.extend(next(stream) for _ in range(2)), daemon=True)
        reader.start()
        there.lifecycle(ADDRESS, "pause")
        there.lifecycle(ADDRESS, "resume")
        reader.join(30)
    assert [event.type for event in got] == ["product.paused", "product.resumed"]
    assert breaks == []
    assert len(seen) > 4


def test_a_follower_that_never_reached_it_says_so(monkeypatch):
    monkeypatch.setattr(calls, "ATTEMPTS", 1)
    with library.Marketplace("http://127.0.0.1:9") as nowhere, pytest.raises(MarketplaceError, match="does not answer"):
        next(nowhere.events(follow=True, every=0.01))


@REAL
def test_events_by_command(mesh, published):
    told = mesh("events", "--type", "product.paused", "--type", "product.resumed")
    first, _, second, _ = told.stdout.splitlines()
    assert f"product.paused  {URN} by producer" in first
    assert f"product.resumed  {URN} by producer" in second
    assert "Read on with --after" in told.stderr
    said = json.loads(mesh("events", ADDRESS, "--json", "--limit", 2).stdout)
    assert [event["type"] for event in said["events"]] == ["product.drafted", "product.published"]
    assert said["next"] == int(said["events"][-1]["id"])
    rest = json.loads(mesh("events", URN, "--json", "--after", said["next"]).stdout)["events"]
    assert [event["type"] for event in rest] == ["product.paused", "product.resumed"]
    assert json.loads(mesh("events", "--after", "latest", "--json").stdout)["events"] == []
    assert mesh("events", "nonsense").exit_code == 1


@REAL
def test_following_prints_a_line_for_each_and_ends_when_it_is_stopped(mesh, published, monkeypatch):
    def stop(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("client.marketplace.time.sleep", stop)
    told = mesh("events", ADDRESS, "--follow", "--json")
    assert told.exit_code == 0, told.output
    assert [json.loads(line)["type"] for line in told.stdout.splitlines()] == [
        "product.drafted", "product.published", "product.paused", "product.resumed",
    ]  # fmt: skip
    assert "Stopped." in told.stderr
