"""A whole catalogue published by a pipeline, and a product checked before it goes on."""

import json

import pytest
from typer.testing import CliRunner

from bench.served import serving
from client import MarketplaceError
from client.__main__ import cli
from marketplace.accounts import tokens
from registry.models import Product
from tests import gateways
from tests.client.conftest import rain
from tests.publishing.written import catalogue, dataset

REAL = pytest.mark.django_db(transaction=True)


@REAL
def test_a_catalogue_is_published_with_the_token_of_a_team(mesh, celery_worker, producer, team, monkeypatch):
    monkeypatch.setenv("MESH_TOKEN", tokens.create_token(producer, "pipeline", 30, team)[1])
    rows = [dataset(number) for number in range(5)]
    rows[3] = dataset(3, title="")
    with serving(catalogue(rows)) as url:
        told = mesh("catalogue", url, "--dry-run")
        assert told.exit_code == 1, told.output
        assert "5 datasets, 1 of which cannot be published." in told.stdout
        assert not Product.objects.exists()
        told = mesh("catalogue", url, "--domain", "precipitation", "--access", "open", "--json")
        assert told.exit_code == 1, told.output
        said = json.loads(told.stdout)
        assert (said["created"], said["refused"]) == (4, 1)
        assert all(each["reason"] for each in said["datasets"] if each["result"] == "refused")
        assert Product.objects.filter(lifecycle="published", access_mode="open", owner=team).count() == 4
        places = [each["place"] for each in said["datasets"] if each["result"] == "created"]
        wanted = ["--dataset", places[0], "--dataset", places[2]]
        told = mesh("catalogue", url, "--domain", "precipitation", "--access", "open", *wanted)
        assert told.exit_code == 0, told.output
        assert told.stdout.endswith("0 created, 0 updated, 2 unchanged, 0 already, 0 refused.\n")
        assert mesh("catalogue", url, "--domain", "nowhere").exit_code == 1


@REAL
def test_what_is_no_catalogue_is_told_so(there, celery_worker):
    with (
        gateways.running("precipitation/us-precipitation") as gateway,
        pytest.raises(MarketplaceError, match="one product"),
    ):
        there.catalogue(f"{gateway}/discover")
    with pytest.raises(MarketplaceError, match="http"):
        there.catalogue("javascript:alert(1)")


def test_a_domain_is_needed():
    told = CliRunner().invoke(cli, ["catalogue", "https://a.example"], env={"MESH_URL": "http://127.0.0.1:9"})
    assert told.exit_code == 2


@REAL
def test_a_product_is_checked(mesh, there, celery_worker):
    with gateways.running("precipitation/us-precipitation") as gateway:
        list(there.publish_many([rain(1, links=[{"rel": "discovery", "url": f"{gateway}/discover"}])]))
        found = there.checklist("precipitation/rain-1")
        assert found.publishable and found.met > 5
        told = mesh("check", "precipitation/rain-1")
        assert told.exit_code == 0, told.output
        assert told.stdout.splitlines()[-1] == f"{found.met} met, {len(found.lacks)} not. May be published."
        assert json.loads(mesh("check", "precipitation/rain-1", "--json").stdout)["met"] == found.met
    assert mesh("check", "precipitation/none").exit_code == 1
