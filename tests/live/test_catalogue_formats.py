"""DCAT, DPROD, DCAT-US, schema.org, Croissant and CKAN documents become the one view, each fact in its place."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.live.errors import FetchError
from marketplace.live.formats import ckan, croissant, data_json, dcat, recognise, schema_org
from marketplace.live.formats.catalogue import artifact_id
from marketplace.live.formats.places import box_of
from marketplace.live.parsing import parse
from marketplace.live.view import ProductView, from_json, to_dict, to_json

BASE = "https://data.example/catalog"


def described(name: str, shared_data, base: str = BASE) -> ProductView:
    path = shared_data / "descriptors" / name
    document = parse(path.read_bytes(), "text/html" if path.suffix == ".txt" else "")
    return recognise(document).product(document, base)


# Which format reads what of the folder: documents with a view, and those with a reason, per folder and format.
READ = {
    "dcat": {"dcat": 35, "schema_org": 1, "is_catalogue": 6, "unknown_format": 4, "bad_content": 1},
    "data-json": {"data_json": 13, "is_catalogue": 14},
    "croissant": {"schema_org": 19},
    "schema-org": {"schema_org": 1},
}


@pytest.mark.parametrize("folder", READ)
def test_every_document_of_the_folder_gives_a_view_or_a_reason(folder, shared_data):
    found: Counter[str] = Counter()
    for path in sorted((shared_data / "descriptors" / folder).iterdir()):
        try:
            document = parse(path.read_bytes(), "text/html" if path.suffix == ".txt" else "")
            module = recognise(document)
            view = module.product(document, BASE)
        except FetchError as error:
            found[error.kind] += 1
            assert len(error.message) > 20, path.name
            assert len(error.advice) > 20, path.name
            continue
        found[module.__name__.rpartition(".")[2]] += 1
        assert view.title or view.problems, path.name
        assert from_json(ProductView, to_json(view)) == view, path.name
        assert len({artifact.id for artifact in view.artifacts}) == len(view.artifacts), path.name
    assert dict(found) == READ[folder]


def test_a_catalogue_says_how_many_and_how_to_choose_and_then_the_choice_is_read(shared_data):
    for name, identifier, title in (
        ("dcat/examples__dcat__catalog.rdf", "https://data.some.org/catalog/datasets/1", "Example dataset 1"),
        ("data-json/example_data__dcatus__dcatus_2.json", "cftc-dc2", "Bank Participation Reports"),
        (
            "data-json/example_data__dcatus__dcatus3_0_nested_catalog.json",
            "https://example.gov/datasets/nested-grandchild",
            "Grandchild Catalog Dataset",
        ),
    ):
        with pytest.raises(FetchError) as caught:
            described(name, shared_data)
        assert caught.value.kind == "is_catalogue"
        assert "#dataset=" in caught.value.advice
        assert identifier in caught.value.advice
        assert described(name, shared_data, f"{BASE}#dataset={identifier}").title == title
        with pytest.raises(FetchError, match="no dataset with the identifier 'nope'"):
            described(name, shared_data, f"{BASE}#dataset=nope")


def test_a_dcat_dataset_keeps_its_facts():
    document = parse(
        b"""@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix locn: <http://www.w3.org/ns/locn#> .
        <https://x.example/rain> a dcat:Dataset ; dct:identifier "rain-1" ; dct:title "Regen"@de, "Rain"@en ;
          dct:description "Hourly rain." ; dcat:keyword "rain"@en, "water"@en, "Regen"@de ; dcat:version "2.1" ;
          dct:publisher [ a foaf:Agent ; foaf:name "Met Office" ] ; dct:issued "2020-01-01"^^xsd:date ;
          dcat:contactPoint [ vcard:fn "Ann" ; vcard:hasEmail <mailto:ann@x.example> ] ;
          dct:license <https://creativecommons.org/licenses/by/4.0/> ; dct:language "en" ;
          dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/DAILY> ;
          dct:accessRights <http://publications.europa.eu/resource/authority/access-right/PUBLIC> ;
          dct:temporal [ dcat:startDate "2019-01-01"^^xsd:date ] ; dct:source <https://y.example/raw> ;
          dct:spatial [ dct:title "Wales" ; dcat:bbox "POLYGON((-5 51,-2.5 51,-2.5 53.5,-5 53.5,-5 51))" ] ;
          dcat:landingPage <https://x.example/page>, <javascript:alert(1)> ;
          dcat:distribution <https://x.example/rain/csv> .
        <https://x.example/rain/csv> a dcat:Distribution ; dct:title "As CSV" ; dcat:byteSize "42"^^xsd:decimal ;
          dcat:mediaType <https://www.iana.org/assignments/media-types/text/csv> ;
          dcat:downloadURL <https://x.example/rain.csv> ; dcat:accessURL <ftp://x.example/> .
        <https://x.example/api> a dcat:DataService ; dct:title "The API" ; dcat:servesDataset <https://x.example/rain> ;
          dcat:endpointURL <https://x.example/v1> .
        """
    )
    view = recognise(document).product(document, BASE)
    assert (view.standard, view.id, view.title, view.summary) == ("DCAT", "rain-1", "Rain", "Hourly rain.")
    assert (view.tags, view.version, view.publisher) == (("rain", "water"), "2.1", "Met Office")
    assert (view.created, view.language, view.update_frequency) == ("2020-01-01", "en", "DAILY")
    assert (view.support[0].channel, view.support[0].url) == ("Ann", "mailto:ann@x.example")
    assert view.license and view.license.url == "https://creativecommons.org/licenses/by/4.0/"
    assert [term.text for term in view.policies] == ["PUBLIC"]
    assert view.coverage.bboxes == ((-5, 51, -2.5, 53.5),)
    assert (view.coverage.intervals, view.coverage.places) == (("2019-01-01/..",), ("Wales",))
    assert [link.url for link in view.documentation] == ["https://x.example/page"]
    assert [link.url for link in view.sources] == ["https://y.example/raw"]
    file, api = view.artifacts
    assert (file.title, file.kind, file.format) == ("As CSV", "file", "text/csv")
    assert file.links == {"download": "https://x.example/rain.csv"}
    assert file.license == view.license
    assert (api.title, api.kind, api.links) == ("The API", "API", {"service": "https://x.example/v1"})
    assert view.problems == ()
    assert view.owner is None


def test_a_dprod_data_product_is_read_without_its_context_being_there():
    document = {
        "@context": "https://ekgf.github.io/dprod/dprod.jsonld",
        "dataProducts": [
            {
                "id": "https://x.example/product/bonds",
                "type": "DataProduct",
                "title": "Bonds",
                "description": "Bonds of the day.",
                "purpose": "Pricing.",
                "domain": "https://x.example/domain/markets",
                "dataProductOwner": "https://x.example/people/ann",
                "lifecycleStatus": "https://ekgf.github.io/dprod/data/lifecycle-status/Consume",
                "inputPort": [{"id": "https://x.example/port/raw", "type": "DataService", "label": "Raw trades"}],
                "outputPort": [
                    {
                        "id": "https://x.example/port/bonds",
                        "type": "DataService",
                        "label": "Bonds API",
                        "endpointURL": "https://x.example/bonds",
                        "isAccessServiceOf": {
                            "type": "Distribution",
                            "format": "https://www.iana.org/assignments/media-types/application/json",
                            "isDistributionOf": {"type": "Dataset", "id": "https://x.example/data/bonds"},
                        },
                    }
                ],
            }
        ],
    }
    view = recognise(document).product(document, BASE)
    assert (view.standard, view.title, view.purpose, view.domain) == ("DPROD", "Bonds", "Pricing.", "markets")
    assert (view.owner, view.status) == ("https://x.example/people/ann", "Consume")
    assert [port.name for port in view.input_ports] == ["Raw trades"]
    (port,) = view.artifacts
    assert (port.title, port.kind, port.format) == ("Bonds API", "API", "application/json")
    assert port.links == {"service": "https://x.example/bonds"}


def test_data_json_says_what_is_missing_and_keeps_what_it_has_no_place_for():
    dataset = {
        "@type": "dcat:Dataset",
        "title": 707,
        "identifier": "a",
        "accessLevel": "restricted public",
        "rights": "On request.",
        "spatial": "-124.7,24.5,-66.9,49.4",
        "temporal": "2001-01-01/2002-01-01",
        "bureauCode": ["010:00"],
        "contactPoint": {"fn": "Ann", "hasEmail": "mailto:ann@x.example"},
        "distribution": [{"downloadURL": "https://x.example/a.csv", "mediaType": "text/csv"}, {"accessURL": "x:y"}],
    }
    document = {"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": [dataset]}
    assert recognise(document) is data_json
    view = data_json.product(document, BASE)
    missing = ("description", "keyword", "modified", "publisher")
    assert all(any(name in problem for problem in view.problems) for name in missing)
    assert any("title has to be a text" in problem for problem in view.problems)
    assert (view.title, view.standard) == ("707", "DCAT-US 1.1")
    assert [term.text for term in view.policies] == ["access level: restricted public", "On request."]
    assert view.coverage.bboxes == ((-124.7, 24.5, -66.9, 49.4),)
    assert [artifact.links for artifact in view.artifacts] == [{"download": "https://x.example/a.csv"}]
    assert [(value.name, value.value) for value in view.custom] == [("bureauCode", '["010:00"]')]


def test_croissant_record_sets_are_artifacts_with_columns(shared_data):
    view = described("croissant/datasets__1.0__titanic__metadata.json", shared_data)
    assert view.standard == "Croissant 1.0"
    assert view.license and view.license.text == "afl-3.0"
    by_name = {artifact.name: artifact for artifact in view.artifacts}
    assert by_name["passengers.csv"].links == {"download": "https://data.example/data/titanic.csv"}
    passengers = by_name["passengers"].schemas[0]
    gender = next(column for column in passengers.columns if column.name == "gender")
    assert (gender.logical_type, gender.physical_name) == ("Text", "sex")
    assert gender.references == ("→ genders/label",)
    assert next(column for column in by_name["genders"].schemas[0].columns if column.name == "label").primary_key


def test_the_schema_org_example_of_science_on_schema_is_read_whole(shared_data):
    view = described("schema-org/sdo-soso-dataset-examples.txt", shared_data)
    assert view.id == "doi:10.5066/F7VX0DMQ"
    assert view.publisher == "SDRO"  # named by reference only
    assert view.team and [(one.name, one.role) for one in view.team.members] == [
        ("Dr Uta Passow", "Principal Investigator"),
        ("Dr Mark Brzezinski", "Co-Principal Investigator"),
    ]
    assert view.coverage.bboxes == ((120.1633, 39.328, 123.7878, 40.445),)
    assert view.coverage.intervals == ("2012-09-20/2016-01-22",)
    assert len(view.policies) == 1  # the second license
    (file,) = view.artifacts
    assert file.schemas[0].columns[0].name == "latitude"
    assert file.access == "free of charge"


def test_a_ckan_package_is_read_from_its_envelope_and_alone():
    package = {
        "id": "0b1d",
        "name": "rain",
        "title": "Rain",
        "notes": "Hourly rain.",
        "license_title": "CC BY 4.0",
        "license_url": "https://creativecommons.org/licenses/by/4.0/",
        "maintainer": "Ann",
        "maintainer_email": "ann@x.example",
        "organization": {"title": "Met Office"},
        "tags": [{"display_name": "water"}],
        "extras": [
            {"key": "spatial", "value": '{"type": "Polygon", "coordinates": [[[1, 2], [3, 2], [3, 4], [1, 2]]]}'},
            {"key": "frequency", "value": "daily"},
        ],
        "resources": [{"id": "r-1", "package_id": "0b1d", "url": "https://x.example/r.csv", "format": "CSV"}],
    }
    for document in (package, {"help": "", "success": True, "result": package}):
        assert recognise(document) is ckan
        view = ckan.product(document, BASE)
        assert (view.id, view.title, view.publisher, view.owner) == ("0b1d", "Rain", "Met Office", "Ann")
        assert (view.update_frequency, view.tags) == ("daily", ("water",))
        assert view.license and view.license.text == "CC BY 4.0"
        assert view.support[0].url == "mailto:ann@x.example"
        assert view.coverage.bboxes == ((1, 2, 3, 4),)
        (resource,) = view.artifacts
        assert (resource.id, resource.kind, resource.format) == ("r-1", "file", "CSV")
    with pytest.raises(FetchError, match="2 datasets"):
        two = [package, {**package, "name": "snow"}]
        ckan.product({"success": True, "result": {"results": two}}, BASE)


def test_fields_that_lead_to_each_other_come_to_an_end():
    fields = [{"@id": f"f{n}", "name": f"f{n}", "subField": [{"@id": f"f{m}"} for m in range(30)]} for n in range(30)]
    document = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": "x",
        "name": "x",
        "hasPart": {"@id": "x", "name": "itself"},
        "recordSet": {"@id": "r", "field": fields},
    }
    view = schema_org.product(document, BASE)
    assert len(view.artifacts[0].schemas[0].columns) == croissant.MAX_COLUMNS


@pytest.mark.parametrize(
    ("written", "box"),
    [
        ("-180,-90,180,90", (-180, -90, 180, 90)),
        ("1 2 3 x", None),
        ("POINT(1 2)", (1, 2, 1, 2)),
        ("<http://www.opengis.net/def/crs/EPSG/0/4326> POLYGON((1 2, 3 4, 1 4, 1 2))", (1, 2, 3, 4)),
        ("ENVELOPE(1, 3, 4, 2)", (1, 2, 3, 4)),
        ("<gml:Envelope><gml:lowerCorner>1 2</gml:lowerCorner><gml:upperCorner>3 4</gml:upperCorner>", (1, 2, 3, 4)),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}, (1, 2, 3, 4)),
        ({"bbox": [1, 2, 0, 3, 4, 9]}, (1, 2, 3, 4)),
        ({"coordinates": [500, 2]}, None),
        ("United States", None),
        ("POLYGON((", None),
        (float("nan"), None),
        ("nan nan nan nan", None),
    ],
)
def test_places_are_read_in_all_their_notations(written, box):
    assert box_of(written) == box


def test_ids_of_artifacts_are_plain_and_stay_the_same():
    assert artifact_id("p", "r-1", 0) == "r-1"
    odd = artifact_id("p", "../../x?y#z", 0)
    assert odd == artifact_id("p", "../../x?y#z", 5)
    assert "/" not in odd
    assert artifact_id("p", None, 1) != artifact_id("p", None, 2)


words = str.split

KEYS = words("""
@context @graph @id @type @value @language @list @import name title description identifier dataset catalog
distribution downloadURL contentUrl recordSet field subField source key data creator publisher contactPoint hasEmail
spatial spatialCoverage geo box latitude longitude temporal keyword keywords license variableMeasured offers
resources package_id extras result success tags organization dcat:dataset dcat:Dataset conformsTo accessLevel
http://www.w3.org/ns/dcat#distribution outputPort dataProducts @reverse @nest @included @base @vocab
""")
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(
        words("Dataset sc:Dataset dcat:Dataset https://schema.org/ http://www.w3.org/ns/dcat# _:b0 @id @type")
        + words("@json @set javascript:alert(1) http://[ POLYGON((1 mailto:a@b")
    )
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=7)
    ),
    max_leaves=40,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(junk, junk, st.sampled_from(["https://schema.org/", {"dcat": "http://www.w3.org/ns/dcat#"}, None]))
def test_no_document_however_strange_ends_but_in_a_view_or_a_reason(document, value, context):
    if isinstance(document, dict):
        document = {**document, "dataset": value, "distribution": value, "recordSet": value, "resources": value}
        document |= {"@context": context} if context else {}
    for module in (dcat, data_json, schema_org, ckan):
        module.matches(document)
        try:
            view = module.product(document, "https://data.example/#dataset=x")
        except FetchError as error:
            assert error.kind in ("is_catalogue", "bad_content")
        else:
            assert from_json(ProductView, to_json(view)) == view
            json.dumps(to_dict(view), allow_nan=False)
