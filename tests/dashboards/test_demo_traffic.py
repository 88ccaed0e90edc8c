"""The people who fill the demo's dashboards: they really ask, and go nowhere but this machine."""

from collections import Counter
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketplace.dashboards import traffic
from marketplace.live import services as live
from marketplace.measure import flushing
from marketplace.measure.models import ProductDay, Search
from registry import events
from registry.models import Product
from registry.services import LinkData
from tests import gateways

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_people_search_click_and_download(live_server: Any, setup_product: Callable[..., Product]) -> None:
    with gateways.running("wind/wind-scales") as base:
        links = [LinkData("discovery", f"{base}/discover", "application/json")]
        product = setup_product("wind-scales", title="Wind speed classes", links=links, access_mode="open")
        live.refresh(live.target_of(product.pk))
        events.deliver("search")
        out = StringIO()
        call_command("demo_traffic", url=live_server.url, people=12, stdout=out)
        told = out.getvalue()
    flushing.flush()
    for what in ("searches", "product pages", "artifact pages", "downloads"):
        assert what in told
    (day,) = ProductDay.objects.all()
    assert day.product == product
    assert day.views >= day.clicks > 0
    assert day.artifacts > 0
    assert day.viewers > 1
    assert Search.objects.values("person").distinct().count() > 1


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1:8000", "https://example.org", "http://localhost.example.org", "ftp://127.0.0.1", "nonsense"],
)
def test_they_go_nowhere_else(url: str) -> None:
    with pytest.raises(CommandError, match="not on this machine"):
        call_command("demo_traffic", url=url, people=1)


def test_a_gateway_that_is_down_keeps_nobody_from_the_rest(
    live_server: Any, setup_product: Callable[..., Product]
) -> None:
    product = setup_product(links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    visitor = traffic.Visitor(live_server.url, "x", Counter())
    visitor.download(product.get_absolute_url())
    assert not visitor.counts


def test_a_link_that_leads_away_is_not_followed() -> None:
    visitor = traffic.Visitor("http://127.0.0.1:9", "x", Counter())
    with pytest.raises(traffic.NotLoopbackError):
        visitor.get("http://192.0.2.1/discover/artifacts")


@pytest.mark.parametrize("people", [0, 501, -1])
def test_they_are_not_too_many(people: int) -> None:
    with pytest.raises(CommandError, match="--people"):
        call_command("demo_traffic", people=people)


def test_without_the_demo_and_without_a_server_it_says_what_to_do(settings: Any) -> None:
    with pytest.raises(CommandError, match="make run"):
        call_command("demo_traffic", url="http://127.0.0.1:9", people=1)
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("demo_traffic", url="http://127.0.0.1:9", people=1)
