"""The checklist, judged from documents as producers write them: what is said counts, and silence is not a no."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.live.state import Part
from marketplace.trust.checklist import BY_KEY, ITEMS, checklist
from tests.trust.builders import CONTRACT, ENTRY, WHOLE, seen, silent, without


def states(view, entry=ENTRY, levels=None):
    return {judged.key: judged.state for judged in checklist(view, entry, levels).items}


def reason(view, key, entry=ENTRY):
    return next(judged.reason for judged in checklist(view, entry).items if judged.key == key)


def test_a_whole_product_lacks_nothing():
    assert set(states(seen(WHOLE, CONTRACT)).values()) == {"met"}


def test_it_has_every_item_that_a_publishable_product_is_asked_for():
    assert [item.key for item in ITEMS] == [
        "owner",
        "steward",
        "name",
        "description",
        "agreement",
        "access",
        "access-policy",
        "rights",
        "slo",
        "contract",
        "type",
        "domain",
        "privacy",
    ]


PLAIN = {"property": "nothing", "value": "else"}
UNCLASSIFIED = {
    **CONTRACT,
    "schema": [{"name": "rain", "properties": [{"name": "station", "classification": "public"}, {"name": "mm"}]}],
}


@pytest.mark.parametrize(
    ("missing", "product", "contracts", "entry"),
    [
        ("steward", without(WHOLE, "team"), [CONTRACT], ENTRY),
        ("agreement", without(WHOLE, "authoritativeDefinitions"), [CONTRACT], replace(ENTRY, access_mode="on_request")),
        ("access", WHOLE, [CONTRACT], replace(ENTRY, access_mode="on_request")),
        ("access-policy", without(WHOLE, "authoritativeDefinitions"), [CONTRACT], ENTRY),
        ("rights", without(WHOLE, "customProperties"), [CONTRACT], ENTRY),
        ("slo", WHOLE, [without(CONTRACT, "slaProperties")], ENTRY),
        ("contract", WHOLE, [], ENTRY),
        ("contract", without(WHOLE, "outputPorts"), [], ENTRY),
        ("type", without(WHOLE, "type"), [CONTRACT], replace(ENTRY, type="")),
        ("type", WHOLE, [CONTRACT], replace(ENTRY, type="")),
        ("privacy", WHOLE, [UNCLASSIFIED], ENTRY),
        ("privacy", WHOLE, [without(CONTRACT, "schema")], ENTRY),
    ],
)
def test_what_no_document_says_is_missing(missing, product, contracts, entry):
    assert states(seen(product, *contracts), entry)[missing] == "missing"


def test_someone_who_left_is_no_steward():
    team = {"members": [{"username": "mo", "role": "Data steward", "dateOut": "2025-01-01"}]}
    assert states(seen({**WHOLE, "team": team}, CONTRACT))["steward"] == "missing"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("agreement", {"customProperties": [{"property": "dataSharingAgreement", "value": "DSA 12"}]}),
        ("agreement", {"authoritativeDefinitions": [{"type": "termsOfUse", "url": "https://example.org/terms"}]}),
        ("rights", {"customProperties": [{"property": "distribution_rights", "value": "Internal use only"}]}),
        ("privacy", {"customProperties": [{"property": "dataClassification", "value": "confidential"}]}),
        ("steward", {"customProperties": [{"property": "data_steward", "value": "Mo Roe"}]}),
    ],
)
def test_it_counts_wherever_it_is_said(key, said):
    bare = without(WHOLE, "team", "authoritativeDefinitions", "customProperties")
    contract = without(CONTRACT, "schema")
    on_request = replace(ENTRY, access_mode="on_request")
    assert states(seen(bare, contract), on_request)[key] == "missing"
    assert states(seen({**bare, **said}, contract), on_request)[key] == "met"


def test_roles_and_approvers_of_a_contract_are_a_policy_on_access():
    bare = without(WHOLE, "authoritativeDefinitions")
    roles = {**CONTRACT, "roles": [{"role": "reader", "access": "read", "firstLevelApprovers": "jo"}]}
    assert states(seen(bare, CONTRACT))["access-policy"] == "missing"
    assert states(seen(bare, roles))["access-policy"] == "met"


def test_the_license_of_an_open_product_is_its_agreement():
    bare = without(WHOLE, "authoritativeDefinitions")
    assert states(seen(bare, CONTRACT))["agreement"] == "met"
    assert "its license is the agreement" in reason(seen(bare, CONTRACT), "agreement")


def test_a_contract_that_is_named_and_cannot_be_read_is_missing_with_the_reason():
    found = seen(WHOLE)
    broken = Part("contract:1", "down", url="https://rain.example/contract")
    view = replace(found, contracts=(broken,))
    assert states(view)["contract"] == "missing"
    assert "https://rain.example/contract" in reason(view, "contract")
    assert states(view)["slo"] == "unknown", "that contract could promise it"


FROM_DOCUMENTS = {"steward", "agreement", "access-policy", "rights", "slo", "contract", "privacy"}


@pytest.mark.parametrize("view", [None, silent("down"), silent("loading", waiting=True), silent("unavailable")])
def test_what_a_silent_product_would_say_is_not_known_and_never_missing(view):
    found = states(view)
    assert {key for key, state in found.items() if state == "unknown"} == FROM_DOCUMENTS
    assert "missing" not in found.values()


def test_a_product_that_offers_nothing_to_ask_lacks_it():
    found = states(seen(None))
    assert {key for key, state in found.items() if state == "missing"} == FROM_DOCUMENTS


def test_what_was_last_seen_still_counts():
    assert set(states(seen(WHOLE, CONTRACT, state="last_seen")).values()) == {"met"}


def test_stewards_say_what_blocks_but_not_what_the_registry_asks_for():
    levels = {"slo": "blocking", "rights": "blocking", "owner": "advised"}
    found = checklist(seen(without(WHOLE, "customProperties"), CONTRACT), ENTRY, levels)
    assert [judged.key for judged in found.blocking] == ["rights"]
    assert {judged.key: judged.level for judged in found.items}["owner"] == "blocking"
    assert checklist(None, ENTRY).blocking == (), "by default nothing blocks but what the registry asks for"
    assert [judged.key for judged in checklist(None, ENTRY, levels).blocking] == ["rights", "slo"]


def test_every_item_says_what_to_do():
    assert all(item.fix.endswith(".") and item.why.endswith(".") for item in ITEMS)
    assert all(item.example for item in ITEMS if item.where != "listing")
    assert BY_KEY.keys() == {item.key for item in ITEMS}


TEXTS = st.text(max_size=300) | st.sampled_from(["${HOME}", "<script>alert(1)</script>", "open", "data sharing " * 90])
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda x: st.lists(x, max_size=3))
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "name", "version", "type", "domain", "tags", "description", "support"), VALUES),
        "team": st.fixed_dictionaries({"members": st.lists(st.dictionaries(st.just("role"), TEXTS), max_size=3)}),
        "outputPorts": st.lists(st.fixed_dictionaries({"name": TEXTS, "contractId": TEXTS}), max_size=3),
        "customProperties": st.lists(st.fixed_dictionaries({"property": TEXTS, "value": VALUES}), max_size=3),
        "authoritativeDefinitions": st.lists(st.fixed_dictionaries({"type": TEXTS, "url": TEXTS}), max_size=3),
    },
)


@settings(deadline=None)  # other tests share the machine
@given(DOCUMENTS, DOCUMENTS)
def test_any_document_is_judged_with_a_short_reason_for_each(product, contract):
    found = checklist(seen({**product, "kind": "DataProduct"}, {**contract, "kind": "DataContract"}), ENTRY)
    assert len(found.items) == len(ITEMS)
    for judged in found.items:
        assert judged.state in ("met", "missing")
        assert 5 < len(judged.reason) < 500


@settings(deadline=None)  # other tests share the machine
@given(st.sets(st.sampled_from(sorted(without(WHOLE, "kind", "apiVersion")))))
def test_saying_more_never_loses_an_item(left_out):
    less, more = states(seen(without(WHOLE, *left_out), CONTRACT)), states(seen(WHOLE, CONTRACT))
    lost = {key for key, state in less.items() if state == "met" and more[key] != "met"}
    assert lost == set()
