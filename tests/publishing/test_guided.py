"""Publishing without a descriptor: answers are kept, the listing is short, and the rest is the producer's files."""

import io
import json
import subprocess
import sys
import uuid
import zipfile

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents import parse_yaml, schema_errors
from marketplace.live import services as live
from marketplace.live.formats import odcs, odps
from marketplace.publishing.guided_answers import Answers, clean, columns_of, inputs_of
from marketplace.publishing.guided_files import archive, files
from marketplace.publishing.guided_models import GuidedDraft
from marketplace.trust.checklist import checklist
from marketplace.trust.entry import entry_of
from marketplace.trust.services import set_levels
from registry.models import Event, Product
from registry.services import LinkData
from tests import gateways

START = "/publish/guided/"
PLACE = "http://marketplace.example"
GOOD = {
    "title": "Harbour tides",
    "what": "High and low water of forty harbours, every day since 1990.",
    "domain": "precipitation",
    "tags": "tides, harbours",
    "new_tags": "on",
    "who": "Harbour masters, and the flood desk.",
    "purpose": "To plan departures, and to warn.",
    "format": "csv",
    "columns": "harbour, text, Name of the harbour\nhigh, number, High water in metres\nday, date, The day",
    "access_mode": "open",
    "access_policy": "Everybody; the harbour office decides about more.",
    "inputs": "gauges-raw@1.4.0\nhttps://tides.example/gauges\nour own readings",
    "type": "source-aligned",
    "owner_name": "Jo Doe",
    "email": "tides@example.org",
    "steward": "Mo Roe",
    "frequency": "day",
    "availability": "99.5",
    "license": "CC-BY-4.0",
    "classification": "public",
    "limitations": "Not for small boats.",
}
SHOUT = "<script>alert(1)</script> ${HOME} {{ 7*7 }} # no: comment\n- item: 'x' \"y\" | & *a"


@pytest.fixture
def desk(sign_in, producer, team, precipitation):
    return sign_in(producer)


@pytest.fixture
def answered(desk):
    """Sends the form, and gives the address of the page that follows."""

    def send(**changes):
        answer = desk.post(START, {**GOOD, "draft": str(uuid.uuid4()), **changes})
        assert answer.status_code == 302, answer.content.decode()
        return answer.headers["Location"]

    return send


def unpacked(content, folder):
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(folder)
    return next(folder.iterdir())


def test_six_questions_give_a_short_listing(desk, answered):
    page = answered()
    text = desk.get(page).content.decode()
    assert "urn:dp:precipitation:harbour-tides" in text
    assert "For harbour masters, and the flood desk: to plan departures, and to warn." in text
    done = desk.post(page, follow=True).content.decode()
    assert "Harbour tides is published" in done
    product = Product.objects.get()
    assert product.summary.startswith("High and low water of forty harbours")
    assert (product.type, product.access_mode, product.lifecycle) == ("source-aligned", "open", "published")
    ports = {(port.direction, port.contract_id, port.contract_version) for port in product.port_edges.all()}
    assert ports == {("in", "gauges-raw", "1.4.0"), ("out", "harbour-tides-data", "1.0.0")}
    assert "Jo Doe" not in json.dumps([e.data for e in Event.objects.all()]) + product.summary


def test_somebody_without_a_team_gets_one(sign_in, consumer, precipitation):
    client = sign_in(consumer)
    page = client.post(START, {**GOOD, "draft": "not a number"}).headers["Location"]
    assert "name: consumer" in client.get(page).content.decode(), "in the document already"
    client.post(page)
    assert list(Product.objects.get().owner.members.all()) == [consumer]


@pytest.mark.parametrize(
    "typed",
    ["a\x00b", "\ud800", "\u202e evil", "\x1b[31m", "x" * 600_000],
    ids=["nul", "half a pair", "reversed", "escape", "long"],
)
def test_signs_that_no_text_has_lose_nothing_else(desk, typed):
    number = str(uuid.uuid4())
    body = {**GOOD, "who": typed.encode("utf-8", "surrogatepass"), "draft": number}
    assert desk.post(START, body).status_code in (302, 400, 413, 422)
    kept = GuidedDraft.objects.filter(uuid=number).first()
    assert kept is None or kept.answers["what"] == GOOD["what"]


def test_what_was_sent_twice_is_one_draft_and_one_product(desk, answered):
    number = str(uuid.uuid4())
    page = answered(draft=number)
    assert answered(draft=number) == page
    assert GuidedDraft.objects.count() == 1
    first = desk.post(page)
    second = desk.post(page)
    assert first.headers["Location"] == second.headers["Location"]
    assert Product.objects.count() == 1


def test_a_draft_of_the_registry_is_published_later(desk, answered):
    page = answered()
    desk.post(page, {"draft": "1"})
    assert Product.objects.get().lifecycle == "draft"
    assert "Save as a draft" not in desk.get(page).content.decode()
    desk.post(page)
    assert Product.objects.get().lifecycle == "published"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": ""}, "This field is required"),
        ({"title": "雨"}, "No address can be made from this title"),
        ({"title": "t" * 200}, "at most 140 characters"),
        ({"what": ""}, "This field is required"),
        ({"what": "<b></b>"}, "Nothing was left of it"),
        ({"domain": "nowhere"}, "Select a valid choice"),
        ({"who": "w" * 400}, "at most 300 characters"),
        ({"columns": "mm number"}, "Line 1: &#x27;mm number&#x27; is no name of a column"),
        ({"columns": "mm, colour"}, "Line 1: &#x27;colour&#x27; is no type"),
        ({"columns": "mm, number\nMM, number"}, "Line 2: the column MM is there twice"),
        ({"columns": "=cmd|' /C calc'!A0, text"}, "is no name of a column"),
        ({"columns": "\n".join(f"c{n}" for n in range(101))}, "These are 101 columns; at most 100"),
        ({"inputs": "https://"}, "is no web address"),
        ({"inputs": "\n".join(f"input {n}" for n in range(40))}, "These are 40 lines; at most 30"),
        ({"email": "nobody"}, "Enter a valid email address"),
        ({"availability": "120"}, "less than or equal to 100"),
        ({"availability": "NaN"}, "Enter a number"),
        ({"availability": "1e400"}, "Ensure that"),
        ({"frequency": "never"}, "Select a valid choice"),
        ({"new_tags": ""}, "“tides” is not in the glossary"),
        ({"tags": ", ".join(f"tag{n}" for n in range(20))}, "at most 12 tags"),
    ],
)
def test_what_does_not_fit_is_said_and_kept(desk, changes, says):
    number = str(uuid.uuid4())
    answer = desk.post(START, {**GOOD, **changes, "draft": number})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Product.objects.exists()
    draft = GuidedDraft.objects.get(uuid=number)
    assert not draft.complete
    assert draft.answers == {**draft.answers, **GOOD, **changes}
    again = desk.get(f"{START}{number}/edit/")
    assert again.status_code == 200
    assert "Harbour masters" in again.content.decode() or "who" in changes
    assert desk.get(f"{START}{number}/").status_code == 302, "there is nothing to check yet"
    assert f"{START}{number}/edit/" in desk.get(START).content.decode(), "it is there to go on with"


def test_nothing_typed_is_lost_when_the_session_ends(desk, producer):
    desk.logout()
    number = str(uuid.uuid4())
    answer = desk.post(START, {**GOOD, "draft": number})
    assert answer.status_code == 302
    assert "/accounts/login/" in answer.headers["Location"]
    desk.force_login(producer)
    text = desk.get(START).content.decode()
    assert "Harbour masters, and the flood desk." in text
    assert number in text


def test_a_name_that_is_taken_is_said_early(desk, setup_product):
    setup_product("harbour-tides")
    answer = desk.post(START, {**GOOD, "draft": str(uuid.uuid4())})
    assert "already has a product named harbour-tides" in answer.content.decode()


def test_a_name_that_was_taken_meanwhile_leads_back_to_the_questions(desk, answered, setup_product):
    page = answered()
    setup_product("harbour-tides")
    answer = desk.post(page, follow=True)
    assert answer.status_code == 200
    assert Product.objects.count() == 1
    assert "Describe your data product" in answer.content.decode()


def test_a_steward_s_wish_is_said_and_the_answers_stay(desk, answered, steward):
    set_levels(steward, {"slo": "blocking"}, revision=0)
    answer = desk.post(answered())
    assert answer.status_code == 422
    assert "No service level objective is promised" in answer.content.decode()
    assert not Product.objects.exists()


def test_answers_are_their_author_s_alone(desk, answered, sign_in, outsider, client):
    page = answered()
    number = page.split("/")[-2]
    for path in (page, f"{page}edit/", f"{page}files.zip"):
        assert sign_in(outsider).get(path).status_code == 404
        assert client.get(path).status_code == 302
    sign_in(outsider).post(f"{page}delete/")
    assert GuidedDraft.objects.count() == 1
    taken = sign_in(outsider).post(START, {**GOOD, "title": "Mine", "draft": number})
    assert number not in taken.headers["Location"], "a number is no key to another's answers"
    assert GuidedDraft.objects.get(uuid=number).title == "Harbour tides"


def test_deleted_answers_are_gone_and_the_product_stays(desk, answered):
    page = answered()
    desk.post(page)
    desk.post(f"{page}delete/")
    assert not GuidedDraft.objects.exists()
    assert Product.objects.get().lifecycle == "published"


def test_a_hundredth_set_is_refused_with_what_to_do(desk, producer):
    GuidedDraft.objects.bulk_create([GuidedDraft(person=producer) for _ in range(50)])
    answer = desk.post(START, {**GOOD, "draft": str(uuid.uuid4())})
    assert answer.status_code == 422
    assert "Delete one that you need no more" in answer.content.decode()


OPTIONAL = (
    *("tags", "columns", "inputs", "access_policy", "type", "owner_name", "email", "steward", "frequency"),
    *("availability", "license", "classification", "limitations"),
)
LOUD = {
    **dict.fromkeys(("what", "who", "purpose", "license", "limitations", "access_policy", "inputs"), SHOUT),
    "title": "Loud <script>alert(1)</script> ${HOME}",
    "owner_name": "${HOME}",
    "steward": "'\"&*|",
    "columns": f"mm, number, {SHOUT.splitlines()[0]}",
    "tags": "<b>, ${x}, {{ y }}",
}


@pytest.mark.parametrize(
    "changes",
    [{}, {"format": "jsonl"}, {"format": "other"}, {"columns": ""}, dict.fromkeys(OPTIONAL, ""), LOUD],
    ids=["whole", "lines", "other", "no columns", "short", "hostile"],
)
def test_the_folder_is_accepted_by_the_gateway_s_own_command(desk, answered, tmp_path, changes):
    answer = desk.get(f"{answered(**changes)}files.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    folder = unpacked(answer.content, tmp_path)
    command = [sys.executable, "-m", "gateway", "validate", "--strict", "--json", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(run.stdout) == []
    assert run.returncode == 0


def test_the_folder_can_be_served_and_the_marketplace_reads_it(desk, answered, tmp_path, setup_product):
    folder = unpacked(desk.get(f"{answered()}files.zip").content, tmp_path)
    with gateways.running(folder) as gateway:
        links = [LinkData("discovery", f"{gateway}/discover")]
        product = setup_product("served", links=links, type="source-aligned", access_mode="open")
        live.refresh(live.target_of(product.pk))
        found = checklist(live.look(product.pk, ask=False), entry_of(product))
    assert {judged.key: judged.reason for judged in found.items if judged.state != "met"} == {}


def test_hostile_answers_stay_text_on_the_pages(desk, answered):
    loud = "<img src=x onerror=alert(1)>"
    page = answered(**dict.fromkeys(("what", "who", "purpose", "owner_name", "steward", "license"), f"Rain {loud}"))
    for path in (page, f"{page}edit/", START):
        assert loud not in desk.get(path).content.decode()
    desk.post(page)
    assert "<" not in Product.objects.get().summary


TEXT = st.text(max_size=60).map(clean)
LINES = st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=60).map(clean)


@settings(deadline=None)
@given(
    st.builds(
        Answers,
        id=st.just("6f1c1f0e-0000-4000-8000-000000000001"),
        name=st.just("tides"),
        title=TEXT.filter(bool),
        domain=st.just("precipitation"),
        team=TEXT,
        what=TEXT.filter(bool),
        who=TEXT.filter(bool),
        purpose=TEXT.filter(bool),
        format=st.sampled_from(["csv", "jsonl", "other"]),
        access_mode=st.sampled_from(["open", "on_request"]),
        type=st.sampled_from(["", "aggregate"]),
        tags=st.lists(TEXT.filter(bool), max_size=3).map(tuple),
        columns=LINES.map(lambda text: columns_of(f"harbour, text, {text}\nhigh, number")),
        inputs=LINES.map(lambda text: inputs_of(f"gauges@1.0.0\nhttps://tides.example\nx {text}")),
        owner_name=TEXT,
        email=st.sampled_from(["", "tides@example.org"]),
        steward=TEXT,
        frequency=st.sampled_from(["", "hour", "day", "week", "month", "year"]),
        availability=st.sampled_from(["", "99.5", "0", "100"]),
        license=TEXT,
        classification=st.sampled_from(["", "public"]),
        limitations=TEXT,
    )
)
def test_any_answers_make_valid_documents_that_say_just_that(answers):
    made = files(answers, PLACE)
    product, contract = (parse_yaml(made[path].encode()) for path in ("product.odps.yaml", "contracts/data.odcs.yaml"))
    assert list(schema_errors(product)) == []
    assert list(schema_errors(contract)) == []
    assert product["description"]["purpose"] == answers.purpose
    assert product["outputPorts"][0]["description"] == answers.what
    assert {entry["property"]: entry["value"] for entry in product["customProperties"]}["title"] == answers.title
    assert contract["schema"][0]["description"] == answers.what
    assert not (odps.product(product).problems or odcs.contract(contract).problems)
    assert yaml.safe_load(made["gateway.yaml"])["trust"][0]["issuer"] == PLACE, "no answer gets into the settings"
    assert archive(answers, PLACE) == archive(answers, PLACE), "the same answers give the same bytes"
