"""What we export, our own readers read back: the same title, summary, links, domain and owner, whatever they hold."""

import json
from datetime import UTC, datetime

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.exports.facts import Facts, LinkFact, iri
from marketplace.exports.formats import FORMATS, Format
from marketplace.exports.schema_org import script
from marketplace.live.formats import recognise
from marketplace.live.parsing import parse
from marketplace.live.view import ArtifactView, Coverage, PricePlan, ProductView, SupportChannel, Term, WebLink
from registry.models import LISTED, AccessMode, ProductType, Rel
from registry.text import plain_text

texts = st.text(min_size=1, max_size=140).map(plain_text).filter(bool)
hostile = st.sampled_from(
    [
        "</script><script>window.hit=1</script>",
        '"""\\" . <x> <y> <z>',
        "a\u2028b",
        "{{ 7*7 }} ${HOME} %s",
        "&lt;b&gt; &amp;",
        "- yaml: [",
        "😀 \U0001f1ea",
        "@context",
        "http://evil.example/ onload=alert(1)",
        "null",
        "1e999",
    ]
)
titles = st.one_of(texts, hostile)
slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)
urls = st.from_regex(
    r"https?://[a-z]{1,9}\.example(:[1-9]\d{1,3})?(/[A-Za-z0-9._~%{}|\"<>éß-]{0,12}){0,3}", fullmatch=True
)
links = st.lists(st.builds(LinkFact, rel=st.sampled_from(Rel.values), url=urls), max_size=6, unique_by=lambda x: x.url)
foreign = st.one_of(st.none(), st.text(max_size=60), hostile)
views = st.builds(
    ProductView,
    standard=st.just("DCAT"),
    title=foreign,
    version=foreign,
    license=st.one_of(
        st.none(), st.builds(Term, text=st.text(min_size=1, max_size=20), url=st.one_of(st.none(), urls))
    ),
    modified=foreign,
    created=foreign,
    language=foreign,
    update_frequency=foreign,
    purpose=foreign,
    coverage=st.builds(
        Coverage,
        bboxes=st.just(((-5.0, 40.0, 9.5, 51.0),)),
        intervals=st.lists(st.text(max_size=20), max_size=2).map(tuple),
        places=st.lists(st.text(max_size=20), max_size=2).map(tuple),
    ),
    support=st.lists(st.builds(SupportChannel, channel=foreign, url=st.one_of(st.none(), urls)), max_size=2).map(tuple),
    prices=st.just((PricePlan("free"),)),
    documentation=st.lists(st.builds(WebLink, url=urls, type=foreign), max_size=2).map(tuple),
)
artifacts = st.lists(
    st.builds(
        ArtifactView,
        id=st.text(min_size=1, max_size=12),
        name=st.text(min_size=1, max_size=12),
        title=foreign,
        format=foreign,
        kind=foreign,
        links=st.dictionaries(
            st.sampled_from(["download", "consume", "sample", "contract", "query"]), urls, max_size=3
        ),
    ),
    max_size=3,
).map(tuple)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    domain, name = draw(slugs), draw(slugs)
    return Facts(
        urn=f"urn:dp:{domain}:{name}",
        name=name,
        title=draw(titles),
        summary=draw(titles),
        page=f"https://mesh.example/products/{domain}/{name}/",
        domain=domain,
        domain_title=draw(titles),
        domain_page=f"https://mesh.example/domains/{domain}/",
        owner=draw(titles),
        owner_email=draw(st.sampled_from(["", "team@example.org"])),
        changed=datetime(2026, 1, 2, tzinfo=UTC),
        listed=draw(st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)])),
        type=draw(st.sampled_from(["", *ProductType.values])),
        lifecycle=draw(st.sampled_from([str(lifecycle) for lifecycle in LISTED])),
        access_mode=draw(st.sampled_from(AccessMode.values)),
        tags=tuple(draw(st.lists(titles, max_size=3))),
        links=tuple(draw(links)),
        said=draw(st.one_of(st.none(), views)),
        artifacts=draw(artifacts),
    )


def read_back(body: bytes, format_: Format) -> ProductView:
    document = parse(body, format_.media_type, "utf-8", "https://mesh.example/export")
    return recognise(document).product(document, "https://mesh.example/export")


def addresses(view: ProductView) -> set[str]:
    found = {link.url for link in (*view.documentation, *view.sources)}
    found |= {port.url for port in view.management_ports if port.url}
    found |= {url for artifact in view.artifacts for url in artifact.links.values()}
    return {iri(url) for url in found}


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.file)
@settings(max_examples=40, deadline=None)
@given(given=facts())
def test_our_own_readers_read_back_what_is_registered(format_: Format, given: Facts):
    view = read_back(format_.write(given), format_)
    assert view.title == given.title
    assert view.summary == given.summary
    assert given.owner in (view.owner, view.publisher, view.team.name if view.team else None)
    said = {view.domain, *view.tags, *(json.loads(v.value).get("name") for v in view.custom if v.name == "about")}
    assert said & {given.domain, given.domain_title}
    assert {iri(link.url) for link in given.links} <= addresses(view)
    assert not [problem for problem in view.problems if "missing" not in problem]


@settings(max_examples=40, deadline=None)
@given(given=facts())
def test_an_odps_export_fits_its_published_schema(given: Facts):
    odps = next(format_ for format_ in FORMATS if format_.file == "odps.json")
    assert read_back(odps.write(given), odps).problems == ()


@settings(max_examples=40, deadline=None)
@given(given=facts())
def test_turtle_says_the_same_as_json_ld(given: Facts):
    by_file = {format_.file: format_.write(given) for format_ in FORMATS}
    turtle = rdflib.Graph().parse(data=by_file["dcat.ttl"], format="turtle")
    json_ld = rdflib.Graph().parse(data=by_file["dcat.jsonld"], format="json-ld")
    assert len(turtle) == len(json_ld)
    product = rdflib.URIRef(given.page)
    dprod = rdflib.Namespace("https://ekgf.github.io/dprod/")
    assert {rdflib.DCAT.Dataset, dprod.DataProduct} <= set(turtle.objects(product, rdflib.RDF.type))
    assert str(turtle.value(product, rdflib.DCTERMS.title)) == given.title


@settings(max_examples=40, deadline=None)
@given(given=facts())
def test_the_data_block_of_a_page_cannot_end_early_and_says_the_same(given: Facts):
    block = str(script(given))
    inside = block.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert not set("<>&\u2028\u2029") & set(inside)
    assert json.loads(inside)["name"] == given.title


def test_what_the_product_does_not_say_stays_unsaid():
    bare = Facts(
        urn="urn:dp:rain:daily",
        name="daily",
        title="Daily rain",
        summary="Rain of each day.",
        page="https://mesh.example/products/rain/daily/",
        domain="rain",
        domain_title="Rain",
        domain_page="https://mesh.example/domains/rain/",
        owner="Rain team",
        changed=datetime(2026, 1, 2, tzinfo=UTC),
    )
    for format_ in FORMATS:
        view = read_back(format_.write(bare), format_)
        assert (view.license, view.version, view.modified, view.created, view.language) == (None,) * 5, format_.file
        assert (view.price, view.prices, view.artifacts, view.update_frequency) == (None, (), (), None), format_.file
        assert view.coverage == Coverage(), format_.file
