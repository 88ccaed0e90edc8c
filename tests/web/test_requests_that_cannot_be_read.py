"""Requests that are malformed, too long or too deep get a clear answer in the form the asker reads."""

import pytest
from django.test import Client

PROBLEM = "application/problem+json"


@pytest.fixture
def grants(setup_product, sign_in, producer):
    """Posts a body to an address of the API that takes one."""
    product = setup_product()
    client = sign_in(producer)
    client.raise_request_exception = False
    return lambda body: client.post(f"/api/v1/products/{product.uuid}/grants/", body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"a":', 400),
        ("[" * 100_000, 400),
        ('{"a":' * 100_000, 400),
        ('{"scope": "\\u0000", "artifact": "a\\u0000b"}', 400),
        ('{"scope": "\\ud800"}', 400),
        (b"\xff\xfe{}", 400),
        ("[1]", 400),
        ("null", 400),
        ('"' + "x" * 600_000 + '"', 413),
    ],
    ids=["cut off", "deep lists", "deep objects", "NUL", "surrogate", "not UTF-8", "a list", "null", "too long"],
)
def test_a_body_that_cannot_be_used_is_a_problem_document(grants, body, status):
    answer = grants(body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_with_a_token_a_body_is_bounded_as_well(setup_product, producer):
    from marketplace.accounts.tokens import create_token

    product = setup_product()
    _, text = create_token(producer, "test", 30)
    answer = Client().post(
        f"/api/v1/products/{product.uuid}/grants/",
        '"' + "x" * 600_000 + '"',
        content_type="application/json",
        headers={"Authorization": f"Token {text}"},
    )
    assert answer.status_code == 413


def test_too_long_a_form_is_a_page(client, db):
    answer = client.post("/accounts/login/", {"login": "x" * 600_000, "password": "y"})
    assert answer.status_code == 413
    page = answer.content.decode()
    assert "512 kB" in page and "Browse products" in page


def test_a_host_that_is_not_ours_is_a_page_or_a_problem(client, db):
    assert b"cannot be read" in client.get("/", headers={"Host": "evil.example"}).content
    answer = client.get("/api/v1/products/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/products/?domain=%00",
        "/api/v1/products/?q=%00&tag=%00",
        "/api/v1/products/%00/",
        "/api/v1/resolve/a%00/b",
        "/api/v1/resolve/a/b?rel=%00",
        "/api/v1/search/?q=%00&domain=%00",
        "/api/v1/domains/%00/",
        "/browse/?domain=%00&type=%00&access=%00&q=%00&page=%00&tag=%00",
        "/search/?q=%00",
        "/products/a%00/b/",
        "/domains/%00/",
        "/publish/?url=%00",
    ],
)
def test_nul_bytes_in_addresses_break_nothing(path, setup_product, sign_in, producer):
    setup_product()
    client = sign_in(producer)
    client.raise_request_exception = False
    assert client.get(path).status_code < 500
