"""How the search does, for stewards: what counts as a question, and who may see it."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.measure.models import Search
from registry.models import Product

SignIn = Callable[[User | None], Client]
Make = Callable[..., Any]
pytestmark = pytest.mark.django_db
HOME = "/dashboard/search/"


@pytest.mark.parametrize(
    ("role", "status"), [("steward", 200), ("admin", 200), ("producer", 403), ("consumer", 403), (None, 302)]
)
def test_stewards_and_administrators_see_it(
    request: pytest.FixtureRequest, sign_in: SignIn, role: str | None, status: int
) -> None:
    client = sign_in(request.getfixturevalue(role) if role else None)
    for path in (HOME, f"{HOME}csv/days.csv", f"{HOME}csv/unanswered.csv", f"{HOME}csv/left.csv"):
        assert client.get(path).status_code == status
    assert client.get("/api/v1/search-quality/").status_code == (401 if role is None else status)
    menu = client.get("/").content.decode()
    assert (HOME in menu) == (status == 200)


def test_what_is_clicked_at_which_rank_what_is_left_and_what_nobody_answers(
    sign_in: SignIn, steward: User, setup_product: Callable[..., Product], asked: Make
) -> None:
    rain, snow = setup_product("rain"), setup_product("snow")
    asked("rain", rain, snow, person="a", clicked=[rain, snow])  # the best click counts: rank 1
    asked("rain", snow, rain, person="b", clicked=[rain])  # rank 2
    asked("deep snow", snow, person="a")
    asked("wolves", person="a", poor=True, near=["climate"])
    asked("rain", rain, person="c", days_ago=40, clicked=[rain])
    Search.objects.filter(person="c").update(person="a")
    program = asked("by a program", rain, person="p")
    Search.objects.filter(pk=program.pk).update(source="api")
    client = sign_in(steward)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(HOME)
    assert len(queries) <= 9
    said = client.get("/api/v1/search-quality/").json()
    assert said["figures"] == {
        "questions": 4,
        "clicked": 2,
        "mean_reciprocal_rank": 0.375,
        "average_clicked_rank": 1.5,
        "poor": 1,
        "empty": 1,
    }
    assert said["before"]["mean_reciprocal_rank"] == 1.0
    assert said["days"][-1]["questions"] == 4
    assert page.context["sentence"] == (
        "4 questions were asked in the last 30 days; 50% led to a product, and 25% had no good answer."
    )
    assert [question.text for question in page.context["left"]] == ["deep snow"]
    assert [(question.text, question.near) for question in page.context["unanswered"]] == [("wolves", ("climate",))]
    rows = list(csv.DictReader(io.StringIO(client.get(f"{HOME}csv/days.csv?days=7").content.decode())))
    assert (len(rows), rows[-1]["mean_reciprocal_rank"]) == (7, "0.375")


def test_the_same_words_with_other_filters_and_pages_are_one_question(
    sign_in: SignIn, steward: User, setup_product: Callable[..., Product], asked: Make
) -> None:
    rain, snow = setup_product("rain"), setup_product("snow")
    asked("rain", rain)
    asked("rain", snow, offset=24, clicked=[snow])
    figures = sign_in(steward).get("/api/v1/search-quality/").json()["figures"]
    assert (figures["questions"], figures["clicked"], figures["average_clicked_rank"]) == (1, 1, 25.0)


@pytest.mark.parametrize("days", ["8", "x", "\x00"])
def test_with_nothing_asked_and_odd_parameters_it_is_a_page(sign_in: SignIn, admin: User, days: str) -> None:
    client = sign_in(admin)
    assert "Nobody asked anything" in client.get(HOME, {"days": days}).content.decode()
    assert client.get(f"{HOME}csv/people.csv").status_code == 404
    assert client.get("/api/v1/search-quality/", {"days": days}).status_code == 400


def test_hostile_questions_stay_text(sign_in: SignIn, steward: User, asked: Make) -> None:
    asked("<script>alert(1)</script>", poor=True)
    asked("@SUM(1)", poor=True)
    client = sign_in(steward)
    assert "<script>alert" not in client.get(HOME).content.decode()
    assert "'@SUM(1)" in client.get(f"{HOME}csv/unanswered.csv").content.decode()
