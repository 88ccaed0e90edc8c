"""An address that people copy: a page of a git host, a page of a portal, a catalogue of many datasets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.live import inspection
from marketplace.live.guesses import guessed_addresses, raw_address
from marketplace.live.inspection import inspect_url
from marketplace.live.listing import MOST, listed
from marketplace.live.parsing import parse
from registry.models import SLUG

from . import hostile
from .hostile import answer

RAW = "https://raw.githubusercontent.com"


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("https://github.com/rain/data/blob/main/odps.yaml#L10", f"{RAW}/rain/data/main/odps.yaml"),
        ("https://www.github.com/rain/data/blob/v1/a/b.json?plain=1", f"{RAW}/rain/data/v1/a/b.json"),
        ("https://github.com/rain/data/blob/main/data.json#dataset=a", f"{RAW}/rain/data/main/data.json#dataset=a"),
        ("https://gitlab.example.org/a/b/c/-/blob/main/x.yaml", "https://gitlab.example.org/a/b/c/-/raw/main/x.yaml"),
        ("https://bitbucket.org/a/b/src/main/x.yaml", "https://bitbucket.org/a/b/raw/main/x.yaml"),
        ("https://codeberg.org/a/b/src/branch/main/x.yaml", "https://codeberg.org/a/b/raw/branch/main/x.yaml"),
        ("https://git.sr.ht/~a/b/tree/main/item/x.yaml", "https://git.sr.ht/~a/b/blob/main/x.yaml"),
        ("https://huggingface.co/datasets/a/b/blob/main/c.json", "https://huggingface.co/datasets/a/b/resolve/main/c.json"),
        ("https://gist.github.com/a/0123456789abcdef0123", "https://gist.githubusercontent.com/a/0123456789abcdef0123/raw"),
        ("https://github.com/rain/data", "https://github.com/rain/data"),
        ("https://data.example.org/blob/x", "https://data.example.org/blob/x"),
        ("http://[/a/b/-/blob/x", "http://[/a/b/-/blob/x"),
        ("javascript:/a/b/-/blob/x", "javascript:/a/b/-/blob/x"),
    ],
)  # fmt: skip
def test_a_page_about_a_file_becomes_the_file(page, file):
    assert raw_address(page) == file


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_whatever_is_pasted_stays_an_address_and_is_settled(text):
    for url in (text, f"https://github.com/{text}", f"https://a.example/x/-/blob/{text}"):
        assert raw_address(raw_address(url)) == raw_address(url)
        assert len(guessed_addresses(url)) <= 2


def test_a_portals_page_leads_to_its_interface():
    assert guessed_addresses("https://portal.example/en/dataset/rain-of-2020?x=1")[0] == (
        "https://portal.example/en/api/3/action/package_show?id=rain-of-2020"
    )
    assert guessed_addresses("https://gateway.example/discover/") == ()


def entry(number: int, **changes):
    return {
        "title": f"Rain of {1900 + number}",
        "description": "What fell. Each day. At forty stations. Since then.",
        "identifier": f"rain-{number}",
        "accessLevel": "public",
        "keyword": ["rain", "daily"],
        **changes,
    }


BROKEN = [
    (entry(1, title=""), "no title"),
    (entry(1, title={"a": 1}), "no title"),
    (entry(1, title="<img src=x>"), "no title"),
    (entry(1, description="<p> </p>"), "no description"),
    (entry(1, description=None), "no description"),
    (entry(1, identifier=None), "no identifier"),
    (entry(1, identifier="x" * 3000), "too long"),
    (entry(1, title="雨", identifier="雨"), "No name"),
    ("words", "not an object"),
    (None, "not an object"),
]


@pytest.mark.parametrize(("broken", "says"), BROKEN)
def test_what_cannot_be_registered_says_why_and_where_and_keeps_nothing_else_out(broken, says):
    found = listed({"conformsTo": "project-open-data", "dataset": [entry(0), broken, entry(2)]}, "https://a.example/d")
    assert [dataset.place for dataset in found.datasets] == ["dataset[0]", "dataset[1]", "dataset[2]"]
    assert says in found.datasets[1].problem
    assert [dataset.name for dataset in found.datasets if not dataset.problem] == ["rain-of-1900", "rain-of-1902"]


def test_each_has_a_name_and_an_address_of_its_own():
    same = [entry(number, title="Rain") for number in range(3)] + [entry(2, title="Other")]
    found = listed({"conformsTo": "project-open-data", "dataset": same}, "https://a.example/d").datasets
    assert [dataset.name for dataset in found[:3]] == ["rain", "rain-rain-1", "rain-rain-2"]
    assert len({dataset.url for dataset in found[:3]}) == 3
    assert "dataset[2]" in found[3].problem


LETTERS = st.text(st.one_of(st.sampled_from("ab_- .1"), st.characters()), max_size=90)
WRITTEN = st.fixed_dictionaries({"title": LETTERS, "identifier": LETTERS})


@given(st.lists(WRITTEN, max_size=8))
@settings(max_examples=40, deadline=None)
def test_names_are_slugs_and_no_two_are_alike(rows):
    document = {"conformsTo": "project-open-data", "dataset": [{**entry(0), **row} for row in rows]}
    found = [row for row in listed(document, "https://a.example/d").datasets if not row.problem]
    assert len({row.name for row in found}) == len({row.url for row in found}) == len(found)
    for row in found:
        SLUG(row.name)
        assert len(row.name) <= 63


def test_of_a_very_long_catalogue_the_rest_is_counted():
    document = {"conformsTo": "project-open-data", "dataset": [entry(number) for number in range(MOST + 3)]}
    found = listed(document, "https://a.example/d")
    assert (len(found.datasets), found.left_out) == (MOST, 3)


def package(name: str) -> dict:
    return {"name": name, "title": name.title(), "notes": "What fell.", "resources": [], "groups": [{"title": "Rain"}]}


def collection(name: str) -> dict:
    return {"type": "Collection", "stac_version": "1.0.0", "id": name, "title": name, "description": "What fell."}


CATALOGUES = {
    "CKAN": {"success": True, "result": {"results": [package("a"), package("b")]}},
    "STAC Collection": {"collections": [collection("a"), collection("b")]},
    "DCAT": {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
        "@graph": [
            {"@id": f"https://x.example/{name}", "@type": "dcat:Dataset", "dct:title": name, "dct:description": "Rain."}
            for name in "ab"
        ],
    },
    "schema.org": [
        {"@context": "https://schema.org", "@type": "Dataset", "@id": f"https://x.example/{name}", "name": name,
         "description": "Rain."}
        for name in "ab"
    ],
}  # fmt: skip


@pytest.mark.parametrize("standard", CATALOGUES)
def test_every_kind_of_catalogue_lists_what_its_addresses_lead_to(standard):
    from marketplace.live.formats import recognise

    document = CATALOGUES[standard]
    found = listed(document, "https://a.example/c")
    assert (found.standard, [dataset.problem for dataset in found.datasets]) == (standard, ["", ""])
    for dataset in found.datasets:
        assert recognise(document).product(document, dataset.url).title == dataset.title


def test_the_real_catalogues_list_what_they_describe(shared_data):
    for path in sorted((shared_data / "descriptors" / "data-json").iterdir()):
        found = listed(parse(path.read_bytes()), "https://a.example/d")
        assert found.datasets, path.name
        assert all(bool(dataset.problem) != bool(dataset.name) for dataset in found.datasets), path.name


@pytest.mark.django_db(transaction=True)
def test_pasted_addresses_are_followed_to_what_can_be_published(celery_worker, wait_for, server):
    def inspected(url: str) -> inspection.Inspection:
        token = inspect_url(url)
        return wait_for(lambda: (found := inspection.inspection(token)).state != "waiting" and found)

    page = answer("<html></html>", content_type="text/html")
    server.route("/dataset/rain", page)
    server.route("/api/3/action/package_show", answer({"success": True, "result": package("rain")}))
    assert inspected(server.url("/dataset/rain")).suggestions.title == "Rain"

    catalogue = {"conformsTo": "project-open-data", "dataset": [entry(number) for number in range(400)]}
    found = inspected(server.route("/data.json", answer(catalogue)))
    assert found.catalogue is not None
    assert len(found.catalogue.datasets) == 400

    stac = {"type": "Catalog", "stac_version": "1.0.0", "id": "x", "links": [{"rel": "data", "href": "/collections"}]}
    server.route("/stac", answer(stac))
    server.route("/collections", answer(CATALOGUES["STAC Collection"]))
    found = inspected(server.url("/stac"))
    assert [dataset.url for dataset in found.catalogue.datasets] == [
        server.url(f"/collections#dataset={name}") for name in "ab"
    ]

    links = [{"rel": "child", "href": f"/{name}.json"} for name in ("a", "b", "gone")]
    server.route("/static", answer({**stac, "links": [*links, links[0]]}))
    for name in "ab":
        server.route(f"/{name}.json", answer(collection(name)))
    listed_there = inspected(server.url("/static")).catalogue.datasets
    assert [(row.name, row.url) for row in listed_there[:2]] == [(n, server.url(f"/{n}.json")) for n in "ab"]
    assert (len(listed_there), "404" in listed_there[2].problem) == (3, True)

    server.route("/hangs", hostile.hang)
    assert inspected(server.url("/hangs")).catalogue is None
