"""The list, the folders and the lineage of the demo agree, and meshed products really come from their inputs."""

import csv
import math
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
import yaml

from demo.loading import MESH_FILE, MeshError, Product, load_mesh
from tests.demo.documents import MESH, contracts_of, product_document, product_named


def read(product: str, file: str) -> list[dict[str, str]]:
    with (product_named(product).folder / "data" / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def offered() -> dict[tuple[str, str], Product]:
    """Contract id and version to the product whose output port has them."""
    return {
        (port["contractId"], port["version"]): product
        for product in MESH.products
        for port in product_document(product)["outputPorts"]
    }


def depth(product: Product) -> int:
    """Edges on the longest way from a source."""
    inputs = product_document(product).get("inputPorts", [])
    return max((1 + depth(offered()[port["contractId"], port["version"]]) for port in inputs), default=0)


def test_size_of_the_mesh():
    assert len(MESH.products) >= 12
    assert len({product.domain for product in MESH.products}) >= 6
    assert len({product.team for product in MESH.products}) >= 4
    assert len({product.port_offset for product in MESH.products}) == len(MESH.products)


def test_one_gateway_is_slow_and_one_is_down():
    behaviours = [product.behaviour for product in MESH.products]
    assert (behaviours.count("slow"), behaviours.count("down")) == (1, 1)
    assert [p.delay_seconds for p in MESH.products if p.behaviour == "slow"] == [1.2]


def test_every_folder_is_listed():
    folders = {path.parent for path in MESH_FILE.parent.glob("climate-quantum/*/*/product.odps.yaml")}
    assert folders == {product.folder for product in MESH.products}


def test_contract_ids_are_unique_in_the_mesh():
    ids = [contract for product in MESH.products for contract in contracts_of(product)]
    assert len(ids) == len(set(ids))


def test_every_input_is_the_output_of_another_product():
    known = offered()
    for product in MESH.products:
        document = product_document(product)
        for port in document.get("inputPorts", []):
            assert known[port["contractId"], port["version"]] != product
        for port in document["outputPorts"]:
            for used in port.get("inputContracts", []):
                assert (used["id"], used["version"]) in known


def test_lineage_leads_from_rain_to_the_disclosure():
    assert depth(product_named("global-precipitation")) == 1
    assert depth(product_named("us-physical-risk")) == 3
    assert depth(product_named("climate-risk-disclosure")) == 4


def test_references_between_tables_exist():
    tables = {
        (contract["id"], table["name"]): {column["name"] for column in table.get("properties", [])}
        for product in MESH.products
        for contract in contracts_of(product).values()
        for table in contract["schema"]
    }
    seen = 0
    for product in MESH.products:
        for contract in contracts_of(product).values():
            for column in contract["schema"][0].get("properties", []):
                for relation in column.get("relationships", []):
                    table, name = relation["to"].split(".")
                    target = {entry["property"]: entry["value"] for entry in relation["customProperties"]}["contractId"]
                    assert name in tables[target, table]
                    seen += 1
    assert seen >= 3


def tenth(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


PUBLISHED_YEARLY_TOTALS = {
    "us-precipitation": {  # inches, 1991-2020
        "USW00024233": "39.34", "USW00094728": "49.52", "USW00094846": "37.86", "USW00023183": "7.22",
        "USW00093134": "14.25", "USW00012839": "67.41", "USW00003017": "14.48", "USW00012960": "51.84",
    },
    "france-precipitation": {  # millimetres, 1981-2010
        "07156": "637.4", "07650": "515.4", "07480": "831.9", "07690": "733.0", "07510": "944.1", "07190": "665.0",
    },
}  # fmt: skip


@pytest.mark.parametrize("product", PUBLISHED_YEARLY_TOTALS)
def test_monthly_normals_add_up_to_the_published_year(product: str):
    column = "precipitation_in" if product == "us-precipitation" else "precipitation_mm"
    totals: dict[str, Decimal] = {}
    for row in read(product, "monthly_normals.csv"):
        totals[row["station_id"]] = totals.get(row["station_id"], Decimal(0)) + Decimal(row[column])
    assert totals == {station: Decimal(total) for station, total in PUBLISHED_YEARLY_TOTALS[product].items()}


def test_global_precipitation_is_its_inputs_in_millimetres():
    expected = {
        (row["station_id"], row["month"]): tenth(Decimal(row["precipitation_in"]) * Decimal("25.4"))
        for row in read("us-precipitation", "monthly_normals.csv")
    } | {
        (row["station_id"], row["month"]): Decimal(row["precipitation_mm"])
        for row in read("france-precipitation", "monthly_normals.csv")
    }
    found = {
        (row["station_id"], row["month"]): Decimal(row["precipitation_mm"])
        for row in read("global-precipitation", "monthly_mm.csv")
    }
    assert found == expected


def test_flood_indicators_come_from_events_and_rain():
    floods = read("historic-floods", "flood_events.csv")
    rain = read("global-precipitation", "monthly_mm.csv")
    for row in read("us-flood-exposure", "state_indicators.csv"):
        events = [flood for flood in floods if row["state"] in flood["states"].split(";")]
        months = [Decimal(r["precipitation_mm"]) for r in rain if r["station_id"] == row["station_id"]]
        expected = {
            "flood_events": Decimal(len(events)),
            "flash_flood_events": Decimal(sum(flood["kind"] == "flash" for flood in events)),
            "wettest_month": max(months),
            "annual_precipitation": sum(months, Decimal(0)),
            "wettest_month_share": tenth(100 * max(months) / sum(months, Decimal(0))),
        }[row["indicator"]]
        assert Decimal(row["value"]) == expected, row


def scaled(values: dict[str, float]) -> dict[str, float]:
    low, high = min(values.values()), max(values.values())
    return {state: 100 * (value - low) / (high - low) for state, value in values.items()}


def test_physical_risk_scores_follow_from_their_inputs():
    exposure = read("us-flood-exposure", "state_indicators.csv")
    fires = read("us-large-wildfires", "wildfires.csv")
    records = read("us-temperature-extremes", "state_records.csv")
    states = {row["state"] for row in exposure}

    def indicator(name: str) -> dict[str, float]:
        return {row["state"]: float(row["value"]) for row in exposure if row["indicator"] == name}

    burned = {state: sum(int(fire["area_acres"]) for fire in fires if fire["state"] == state) for state in states}
    hottest = {r["state"]: float(r["temperature_f"]) for r in records if r["record"] == "highest"}
    expected = {
        "flood_history": scaled(indicator("flood_events")),
        "wet_month": scaled(indicator("wettest_month")),
        "wildfire": scaled({state: math.log10(1 + acres) for state, acres in burned.items()}),
        "heat": scaled({state: hottest[state] for state in states}),
    }
    for row in read("us-physical-risk", "hazard_parts.csv"):
        assert float(row["score"]) == pytest.approx(expected[row["part"]][row["state"]], abs=0.051), row
    for row in read("us-physical-risk", "state_scores.csv"):
        flood = (expected["flood_history"][row["state"]] + expected["wet_month"][row["state"]]) / 2
        composite = (flood + expected["wildfire"][row["state"]] + expected["heat"][row["state"]]) / 3
        assert float(row["composite_score"]) == pytest.approx(composite, abs=0.11), row


def test_disclosure_repeats_the_scores():
    scores = {row["state"]: row for row in read("us-physical-risk", "state_scores.csv")}
    for row in read("climate-risk-disclosure", "data_points.csv"):
        assert row["value"] == scores[row["state"]][row["metric"].replace("_hazard", "")], row


def write_mesh(folder: Path, change: dict[str, object]) -> Path:
    raw = yaml.safe_load(MESH_FILE.read_text(encoding="utf-8"))
    raw["products"] = raw["products"][:2]
    for product in raw["products"]:
        (folder / product["folder"]).mkdir(parents=True)
    raw["products"][1].update(change)
    path = folder / "mesh.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port_offset": 1}, "port_offset 1 is used by urn:dp:air-quality:nyc-air-quality"),
        ({"domain": "moon"}, "no domain 'moon'"),
        ({"team": "nobody"}, "no team 'nobody'"),
        ({"behaviour": "lazy"}, "behaviour is 'lazy'"),
        ({"folder": "nowhere"}, "there is no folder"),
        ({"domain": "air-quality", "name": "nyc-air-quality"}, "listed twice"),
        ({}, "Use case .*: there is no product"),
    ],
)
def test_a_wrong_list_is_refused_with_the_reason(tmp_path: Path, change: dict[str, object], said: str):
    with pytest.raises(MeshError, match=said):
        load_mesh(write_mesh(tmp_path, change))
