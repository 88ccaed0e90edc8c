"""The domain tree: who may grow it, and what it costs to show."""

import pytest
from django.core.management import CommandError, call_command

from registry.models import Domain

NEW = {"slug": "drought", "title": "Drought", "parent": "climate"}


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), ("consumer", 403), ("producer", 403), ("outsider", 403), ("steward", 201), ("admin", 201)],
)
def test_who_may_add_a_domain(climate, sign_in, request, who, status):
    person = request.getfixturevalue(who) if who else None
    answer = sign_in(person).post("/api/v1/domains/", NEW, content_type="application/json")
    assert answer.status_code == status
    assert Domain.objects.filter(path="climate/drought").exists() == (status == 201)


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"slug": "climate"}, "slug"),
        ({"slug": "Not Good"}, "slug"),
        ({"title": ""}, "title"),
        ({"parent": "x"}, "parent"),
    ],
)
def test_a_domain_that_does_not_fit_says_why(climate, sign_in, steward, overrides, field):
    answer = sign_in(steward).post("/api/v1/domains/", {**NEW, **overrides}, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]


def test_the_command_adds_a_domain_or_says_why_not(climate, capsys):
    call_command("create_domain", "drought", "Drought", parent="climate")
    assert Domain.objects.get(slug="drought").path == "climate/drought"
    with pytest.raises(CommandError, match="already exists"):
        call_command("create_domain", "drought", "Drought", parent="climate")
    with pytest.raises(CommandError, match="no domain 'x'"):
        call_command("create_domain", "heat", "Heat", parent="x")


def test_counts_include_what_is_below_and_only_what_is_listed(client, setup_product):
    setup_product("one")
    setup_product("two")
    setup_product("draft", published=False)
    setup_product("top", domain="climate")
    rows = {row["slug"]: row["count"] for row in client.get("/api/v1/domains/").json()}
    assert rows == {"climate": 3, "precipitation": 2}
    assert client.get("/api/v1/domains/climate/").json()["count"] == 3
    assert client.get("/api/v1/domains/nowhere/").status_code == 404


def test_the_tree_costs_two_queries_however_large(client, climate, django_assert_num_queries):
    from registry.services import create_domain

    for number in range(20):
        create_domain(f"d{number}", f"Domain {number}", parent=climate)
    with django_assert_num_queries(2):  # domains with their parents, counts
        assert len(client.get("/api/v1/domains/").json()) == 21
