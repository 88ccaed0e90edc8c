"""The producer's dashboard: what its own team sees, what nobody else does, and what it costs."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.models import Team, User
from marketplace.accounts.services import create_team
from marketplace.dashboards import charts, traffic
from marketplace.dashboards.sheets import RISKY, Sheet, as_csv, safe
from marketplace.live import services as live
from marketplace.live.drift.noticing import EVENT
from registry import transfers
from registry.models import Domain, Event, Product
from registry.services import LinkData
from tests import gateways

SignIn = Callable[[User | None], Client]
Make = Callable[..., Any]
pytestmark = pytest.mark.django_db
HOME = "/dashboard/producer/"


def words(answer: Any) -> str:
    """The text of a page as one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def address(product: Product) -> str:
    return f"{HOME}{product.domain.slug}/{product.name}/"


def test_own_products_with_their_figures_compared_with_the_days_before(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make
) -> None:
    rain, snow = setup_product("rain"), setup_product("snow", published=False)
    counted(rain, 0, views=7, found=4, rank_sum=10, clicks=2, click_rank_sum=3)
    counted(rain, 29, views=3)
    counted(rain, 30, views=4)  # before the period
    counted(rain, 60, views=100)  # before that
    page = sign_in(producer).get(HOME)
    said = words(page)
    assert "2 products. In the last 30 days their pages were opened 10 times, and searches showed them 4 times." in said
    assert "Page views 10 6 more than in the 30 days before" in said
    assert "Shown in searches 4 none in the 30 days before" in said
    assert "Average rank 2.5 1.5 where it was clicked" in said
    rows = page.context["rows"]
    assert [row.product for row in rows] == [rain, snow]
    assert "Draft" in said
    week = words(sign_in(producer).get(HOME, {"days": "7"}))
    assert "their pages were opened 7 times" in week


def test_a_visitor_signs_in_first(client: Client, setup_product: Make) -> None:
    product = setup_product()
    for path in (HOME, f"{HOME}gateways/", f"{HOME}csv/products.csv", address(product), f"{address(product)}gateway/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("role", "listed", "draft"),
    [
        ("producer", 200, 200),
        ("teammate", 200, 200),
        ("admin", 200, 200),
        ("outsider", 403, 404),
        ("consumer", 403, 404),
        ("steward", 403, 404),
    ],
)
def test_figures_are_for_the_own_team_and_administrators(
    request: pytest.FixtureRequest,
    sign_in: SignIn,
    setup_product: Make,
    counted: Make,
    asked: Make,
    role: str,
    listed: int,
    draft: int,
) -> None:
    product, hidden = setup_product("rain"), setup_product("hidden-draft", published=False)
    counted(product, views=4711)
    asked("how much rain", product)
    asked("snow in rain", poor=True, near=["precipitation"])
    client = sign_in(request.getfixturevalue(role))
    for part in ("", "gateway/", "csv/days.csv", "csv/questions.csv", "csv/gateway.csv"):
        assert client.get(f"{address(product)}{part}").status_code == listed
    assert client.get(address(hidden)).status_code == draft
    for found, status in ((product, listed), (hidden, draft)):
        assert client.get(f"/api/v1/usage/{found.uuid}/").status_code == status
    if role in ("producer", "teammate"):
        return  # the lists are of one's own products, whoever one is
    for path in (HOME, f"{HOME}gateways/", "/api/v1/usage/", "/api/v1/usage/unanswered/"):
        answer = client.get(path)
        assert answer.status_code == 200
        for secret in ("4711", "4,711", "Rain", "Hidden draft", "snow in rain"):
            assert secret not in answer.content.decode()
    for table in ("products", "gateways", "unanswered"):
        assert client.get(f"{HOME}csv/{table}.csv").content.decode().count("\r\n") == 1  # the header alone


def test_the_api_answers_only_who_signed_in(client: Client, setup_product: Make) -> None:
    product = setup_product()
    for path in ("/api/v1/usage/", "/api/v1/usage/unanswered/", f"/api/v1/usage/{product.uuid}/"):
        assert client.get(path).status_code == 401


def test_which_questions_found_a_product_at_which_rank_and_led_to_it(
    sign_in: SignIn, producer: User, setup_product: Make, asked: Make
) -> None:
    rain, snow = setup_product("rain"), setup_product("snow")
    asked("How much rain", snow, rain, person="a", clicked=[rain])
    asked("how much rain", rain, snow, person="b")
    asked("deep", snow, offset=24, person="a")
    asked("deep", rain, days_ago=31)
    page = sign_in(producer).get(address(rain))
    (question,) = page.context["questions"]
    assert (question.searches, question.people, question.rank, question.best_rank, question.clicks) == (2, 2, 1.5, 1, 1)
    (deep, _) = sorted(sign_in(producer).get(address(snow)).context["questions"], key=lambda found: found.text)
    assert (deep.text, deep.best_rank) == ("deep", 25)
    assert 'href="/search/?q=how%20much%20rain"' in page.content.decode().lower()


def test_questions_nobody_answers_are_those_near_the_own_domains(
    sign_in: SignIn, producer: User, setup_product: Make, asked: Make, climate: Domain
) -> None:
    setup_product("rain")
    asked("rain on Mars", poor=True, near=["precipitation", "climate"], similarity=0.3, person="a")
    asked("rain on Mars", poor=True, near=["precipitation"], person="b")
    for days_ago in (1, 2):
        asked("hail", poor=True, near=["precipitation"], person="b", days_ago=days_ago)
        asked("wolves", poor=True, near=["animals"], days_ago=days_ago)
    asked("what ails Mrs Miller", poor=True, near=["precipitation"])  # one person's, and perhaps theirs alone
    asked("rain", near=[])
    page = sign_in(producer).get(HOME)
    found = sorted((question.text, question.people) for question in page.context["unanswered"])
    assert found == [("hail", 2), ("rain on Mars", 2)]
    assert "2 questions near your domains had no good answer." in words(page)


def test_a_draft_in_a_domain_shows_nobody_what_people_ask_there(
    sign_in: SignIn, producer: User, setup_product: Make, asked: Make
) -> None:
    setup_product("rain", published=False)
    for person in ("a", "b"):
        asked("rain on Mars", poor=True, near=["precipitation"], person=person)
    client = sign_in(producer)
    assert client.get(HOME).context["unanswered"] == []
    assert client.get("/api/v1/usage/unanswered/").json()["results"] == []
    assert "rain on Mars" not in client.get(f"{HOME}csv/unanswered.csv").content.decode()


def test_what_happened_is_drift_and_followers_are_counted(
    sign_in: SignIn, producer: User, consumer: User, setup_product: Make
) -> None:
    from marketplace.notices.models import Follow

    product = setup_product("rain")
    Follow.objects.create(user=consumer, product=product)
    data = {"contract": "rain-contract", "level": "major", "version": "1.0.0", "suggested_version": "2.0.0"}
    Event.objects.create(type=EVENT, subject=product.urn, data=data)
    page = words(sign_in(producer).get(address(product)))
    assert "Contract changed" in page
    assert "1 follower ·" in page
    assert "1 contract change" in words(sign_in(producer).get(HOME))


@pytest.mark.parametrize(
    ("sort", "first"),
    [("views", "b"), ("found", "c"), ("rank", "a"), ("clicks", "c"), ("title", "a"), ("followers", "a"), ("x", "b")],
)
def test_the_list_is_sorted_by_what_one_chooses(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make, sort: str, first: str
) -> None:
    products = {name: setup_product(name) for name in "abc"}
    counted(products["a"], views=1, found=2, rank_sum=2)
    counted(products["b"], views=9, found=0)
    counted(products["c"], views=2, found=5, rank_sum=50, clicks=1)
    page = sign_in(producer).get(HOME, {"sort": sort})
    assert page.context["rows"][0].product == products[first]
    assert ('aria-sort="ascending"' in page.content.decode()) == (sort in ("title", "rank"))


@pytest.mark.parametrize(
    "query",
    [
        {"days": "999999999"},
        {"days": "-7"},
        {"days": "٣٠"},
        {"page": "0"},
        {"page": "99999999999999"},
        {"page": "2"},
        {"sort": "'; DROP TABLE"},
        {"n": "9" * 50},
        {"days": "\x00"},
    ],
)
def test_odd_parameters_are_as_if_they_were_not_there(
    sign_in: SignIn, producer: User, setup_product: Make, query: dict[str, str]
) -> None:
    product = setup_product()
    client = sign_in(producer)
    for path in (HOME, f"{HOME}gateways/", f"{HOME}csv/products.csv", address(product), f"{address(product)}gateway/"):
        assert client.get(path, query).status_code == 200
    assert client.get(f"{HOME}csv/passwords.csv", query).status_code == 404
    assert client.get(f"{address(product)}csv/products.csv", query).status_code == 404
    assert client.post(HOME, query).status_code == 405


def test_the_number_of_queries_does_not_grow_with_products_or_days(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make, asked: Make
) -> None:
    client = sign_in(producer)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).status_code == 200
        return len(found)

    first = setup_product("rain-0")
    counted(first, views=1)
    paths = (HOME, f"{HOME}?days=90", f"{HOME}gateways/", f"{HOME}csv/products.csv", address(first), "/api/v1/usage/")
    one = [queries(path) for path in paths]
    for number in range(1, 6):
        product = setup_product(f"rain-{number}")
        counted(product, 0, views=number)
        counted(product, 1, views=number)
        asked(f"rain {number}", product, first)
    assert [queries(path) for path in paths] == one
    assert one[0] <= 12


def test_a_team_with_many_products_pages_through_them(
    sign_in: SignIn, producer: User, setup_product: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.dashboards.producer.contexts.PER_PAGE", 2)
    for number in range(3):
        setup_product(f"rain-{number}")
    client = sign_in(producer)
    assert len(client.get(HOME).context["rows"]) == 2
    second = client.get(HOME, {"page": "2", "days": "7"})
    assert len(second.context["rows"]) == 1
    assert second.context["page"].previous_url == f"{HOME}?days=7"
    assert "page=2" in second.context["gateways_url"]


def test_without_products_it_says_how_to_get_there(sign_in: SignIn, consumer: User) -> None:
    page = sign_in(consumer).get(HOME)
    assert "You have no products yet" in words(page)
    assert 'href="/publish/"' in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_a_real_gateway_counted_is_shown_with_age_and_source(
    sign_in: SignIn, producer: User, setup_product: Make
) -> None:
    client = sign_in(producer)
    with gateways.running("wind/wind-scales") as base:
        links = [LinkData("discovery", f"{base}/discover", "application/json")]
        product = setup_product("wind-scales", links=links)
        visitor = traffic.Visitor(base, "x", Counter())
        visitor._take(f"{base}/discover")  # at least one download
        own = json.loads(visitor.get(f"{base}/observe/metrics"))["accesses"]
        live.refresh(live.target_of(product.pk))
        for path in (f"{HOME}gateways/", f"{address(product)}gateway/"):
            part = client.get(path, headers={"HX-Request": "true"})
            assert "<html" not in part.content.decode()
            assert "hx-get" not in part.content.decode()  # it is settled
            said = words(part)
            assert "Live" in said
            assert "All is well" in said
            assert "<html" in client.get(path).content.decode()  # a whole page without scripts
        assert f"{base}/observe/metrics" in part.content.decode()
        row = part.context["row"]
        assert row.counted.requests > 0
        assert row.counted.downloads == own["byAction"]["download"] > 0
        assert (row.counted.queries, row.counted.bytes) == (own["byAction"].get("query", 0), own["bytes"])
        (cells,) = csv.DictReader(io.StringIO(client.get(f"{address(product)}csv/gateway.csv").content.decode()))
        assert cells["source"] == f"{base}/observe/metrics"
        assert int(cells["requests"]) == row.counted.requests
        said = client.get(f"/api/v1/usage/{product.uuid}/").json()["gateway"]
        assert said["counted"]["requests"] == row.counted.requests
        assert said["source"] == f"{base}/observe/metrics"


def test_a_gateway_that_is_silent_is_said_to_be_and_asked_again(
    sign_in: SignIn, producer: User, setup_product: Make
) -> None:
    product = setup_product("rain", links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    client = sign_in(producer)
    for path in (f"{HOME}gateways/", f"{address(product)}gateway/"):
        waiting = client.get(path, headers={"HX-Request": "true"}).content.decode()
        assert "n=1" in waiting
    live.refresh(live.target_of(product.pk))
    listed = words(client.get(f"{HOME}gateways/", headers={"HX-Request": "true"}))
    assert listed.count("– not counted") == 4  # no cell is empty
    for path in (f"{HOME}gateways/", f"{address(product)}gateway/"):
        part = client.get(path, headers={"HX-Request": "true"})
        assert "Does not answer" in words(part)
        assert "hx-trigger" not in part.content.decode()


def test_without_redis_the_stored_figures_are_there_all_the_same(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make, settings: Any
) -> None:
    product = setup_product("rain")
    counted(product, views=12)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    client = sign_in(producer)
    assert "opened 12 times" in words(client.get(HOME))
    assert "Not available now" in words(client.get(f"{HOME}gateways/", headers={"HX-Request": "true"}))


def test_the_csv_has_everything_that_is_shown(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make, asked: Make
) -> None:
    product = setup_product("rain")
    counted(product, 0, views=3, found=4, rank_sum=6)
    counted(product, 40, views=2)
    for person in ("a", "b"):
        asked("=cmd|' /C calc'!A0", product, poor=True, near=["precipitation"], person=person)
    client = sign_in(producer)

    def table(path: str) -> list[dict[str, str]]:
        answer = client.get(path)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer["Content-Disposition"]
        return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))

    (row,) = table(f"{HOME}csv/products.csv")
    assert (row["urn"], row["views"], row["average_rank"], row["views_before"]) == (product.urn, "3", "1.5", "2")
    assert len(table(f"{address(product)}csv/days.csv?days=7")) == 7
    for path in (f"{HOME}csv/unanswered.csv", f"{address(product)}csv/questions.csv"):
        assert table(path)[0]["question"] == "'=cmd|' /C calc'!A0"


@given(st.text(max_size=40))
def test_no_text_in_a_csv_is_a_formula_and_none_is_lost(text: str) -> None:
    answer = as_csv(Sheet("t", ["a", "b"], [[text, 1]])).content.decode()
    _, (cell, number) = csv.reader(io.StringIO(answer, newline=""))
    assert not cell.lstrip(" ").startswith(RISKY)
    assert cell.removeprefix("'") == text.replace("\x00", "").removeprefix("'")
    assert number == "1"
    assert safe(-1.5) == -1.5


def test_titles_and_questions_of_others_stay_text(
    sign_in: SignIn, producer: User, setup_product: Make, asked: Make
) -> None:
    hostile = '<script>alert(1)</script>"><img src=x>'
    product = setup_product("rain", title=hostile)
    asked(hostile, product, poor=True, near=["precipitation"])
    client = sign_in(producer)
    for path in (HOME, address(product), f"{HOME}gateways/"):
        body = client.get(path).content.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body
    said = client.get(address(product)).content.decode()
    assert not re.search(r"\sstyle=|\son[a-z]+=\"", said)


def test_the_api_says_the_same_as_the_page(
    sign_in: SignIn, producer: User, setup_product: Make, counted: Make, asked: Make
) -> None:
    product = setup_product("rain")
    counted(product, 0, views=3, found=4, rank_sum=6, clicks=1, click_rank_sum=2)
    counted(product, 10, views=5)
    for person in ("a", "b"):
        asked("rain on Mars", product, poor=True, near=["precipitation"], person=person)
    client = sign_in(producer)
    listed = client.get("/api/v1/usage/?days=7").json()
    (row,) = listed["results"]
    assert (listed["count"], listed["period"]["days"]) == (1, 7)
    assert (row["urn"], row["views"], row["average_rank"], row["before"]["views"]) == (product.urn, 3, 1.5, 5)
    one = client.get(f"/api/v1/usage/{product.uuid}/?days=30").json()
    assert one["figures"]["views"] == 8
    assert [day["views"] for day in one["days"]][-1] == 3
    assert len(one["days"]) == 30
    assert one["questions"][0]["question"] == "rain on Mars"
    (unanswered,) = client.get("/api/v1/usage/unanswered/").json()["results"]
    assert (unanswered["question"], unanswered["near"]) == ("rain on Mars", ["precipitation"])
    assert client.get("/api/v1/usage/?days=8").status_code == 400
    assert client.get("/api/v1/usage/?sort=nothing").status_code == 400


def test_what_went_to_another_team_is_theirs_to_see(
    sign_in: SignIn, producer: User, outsider: User, admin: User, setup_product: Make, counted: Make
) -> None:
    product = setup_product("rain")
    counted(product, views=5)
    other: Team = create_team("Others", members=(outsider,))
    transfers.transfer(admin, product, other)
    assert sign_in(producer).get(address(product)).status_code == 403
    assert "opened 5 times" in words(sign_in(outsider).get(HOME))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=90))
def test_a_chart_draws_every_day_inside_its_box_and_says_the_same_in_words(values: list[int]) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(len(values))]
    chart = charts.by_day("Page views", days, values)
    assert len(chart.bars) == sum(1 for value in values if value)
    for bar in chart.bars:
        assert 0 <= bar.y <= charts.HEIGHT
        assert bar.y + bar.height <= charts.HEIGHT + 0.02
        assert bar.x + chart.bar <= chart.width
    assert (f"{sum(values):,} in all" in chart.text) == any(values)


def test_days_are_those_of_utc(sign_in: SignIn, producer: User, setup_product: Make) -> None:
    product = setup_product()
    period = sign_in(producer).get(address(product)).context["period"]
    assert period.last == datetime.now(UTC).date()
    assert period.first == period.last - timedelta(days=29)
