"""What the registry takes, and how it refuses the rest."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from registry import services
from registry.models import Product
from registry.services import LinkData, ProductData
from registry.text import plain_text

GOOD = {"domain": "precipitation", "name": "rain", "title": "Rain", "summary": "How much rain fell."}


def refusal(producer, team, **overrides):
    with pytest.raises(ValidationError) as refused:
        services.register(producer, team, ProductData(**{**GOOD, **overrides}))
    assert not Product.objects.exists(), "nothing half-written"
    return refused.value.message_dict


@pytest.mark.parametrize(
    ("overrides", "field", "says"),
    [
        ({"domain": "nowhere"}, "domain", "no domain"),
        ({"domain": ""}, "domain", "Choose a domain"),
        ({"name": "Not A Slug"}, "name", "small letters"),
        ({"name": ""}, "name", "blank"),
        ({"title": ""}, "title", "blank"),
        ({"title": "x" * 200}, "title", "140"),
        ({"summary": ""}, "summary", "blank"),
        ({"summary": "<script>alert(1)</script>".replace("alert(1)", "")}, "summary", "blank"),
        ({"summary": "long " * 20_000}, "summary", "at most 1,200"),
        ({"type": "imaginary"}, "type", "not a valid choice"),
        ({"access_mode": "maybe"}, "access_mode", "not a valid choice"),
        ({"tags": [f"tag {n}" for n in range(30)]}, "tags", "at most 12"),
        ({"links": [LinkData("discovery", "javascript:alert(1)")]}, "links", "not a"),
        ({"links": [LinkData("discovery", "ftp://example.org/x")]}, "links", "https://"),
        ({"links": [LinkData("best-friend", "https://example.org")]}, "links", "not a link"),
        ({"links": [LinkData("source", f"https://example.org/{n}") for n in range(30)]}, "links", "at most 20"),
    ],
)
def test_bad_input_is_refused_by_field(producer, team, precipitation, overrides, field, says):
    assert says in " ".join(refusal(producer, team, **overrides)[field])


def test_a_taken_name_says_so(setup_product, producer, team):
    setup_product("rain")
    with pytest.raises(ValidationError) as refused:
        services.register(producer, team, ProductData(**GOOD))
    assert "already has a product named rain" in refused.value.message_dict["name"][0]


def test_the_same_name_in_another_domain_is_another_product(setup_product, climate):
    first, second = setup_product("rain"), setup_product("rain", domain="climate")
    assert first.urn == "urn:dp:precipitation:rain"
    assert second.urn == "urn:dp:climate:rain"


def test_one_registers_for_ones_own_team_only(outsider, team, precipitation):
    with pytest.raises(PermissionDenied):
        services.register(outsider, team, ProductData(**GOOD))


def test_markup_and_control_characters_are_dropped():
    assert plain_text("<b>Rain</b>\x00 \x1b[31mand\r\n\r\nsnow\n fell") == "Rain [31mand\n\nsnow fell"


def test_tags_differing_only_in_spelling_are_one(setup_product):
    product = setup_product(tags=["Air Quality", "air-quality", "air quality!", "  ", "雨"])
    assert [tag.slug for tag in product.tags.all()] == ["air-quality"]


def test_an_update_names_what_changed_and_nothing_else(setup_product, producer):
    from registry.models import Event

    product = setup_product("rain")
    data = ProductData(**{**GOOD, "title": product.title, "summary": "Other words.", "tags": ["wet"]})
    services.update(producer, product, data, revision=product.revision)
    assert Event.objects.last().data == {"changed": ["summary", "tags"]}


def test_characters_that_reverse_what_is_shown_are_dropped():
    assert plain_text("safe \u202egnp.exe\u202c \u2066x\u2069\ufeff") == "safe gnp.exe x"
