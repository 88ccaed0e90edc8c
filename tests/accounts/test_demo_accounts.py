"""Demo accounts have public passwords: they work only while the demo is on and only from nearby."""

import pytest

from tests.conftest import make_user


@pytest.fixture
def demo_person(db):
    return make_user("visitor", is_demo=True)


def signs_in(client, username="visitor", **extra):
    client.post("/accounts/login/", {"login": username, "password": "demo"}, **extra)
    return "_auth_user_id" in client.session


def test_a_demo_account_signs_in_from_this_machine(client, demo_person):
    assert signs_in(client)


def test_a_demo_account_does_not_sign_in_from_elsewhere(client, demo_person):
    assert not signs_in(client, REMOTE_ADDR="203.0.113.7")


def test_a_demo_account_does_not_sign_in_while_the_demo_is_off(client, demo_person, settings):
    settings.DEMO = False
    assert not signs_in(client)


def test_turning_the_demo_off_ends_its_sessions(client, demo_person, settings):
    assert signs_in(client)
    assert client.get("/publish/").status_code == 200
    settings.DEMO = False
    assert client.get("/publish/").status_code == 302


def test_an_ordinary_account_signs_in_from_anywhere(client, consumer, settings):
    settings.DEMO = False
    assert signs_in(client, "consumer", REMOTE_ADDR="203.0.113.7")


def test_load_demo_refuses_while_the_demo_is_off(db, settings):
    from django.core.management import CommandError, call_command

    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("load_demo")


def test_load_demo_does_not_take_over_a_real_account(admin):
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="real account named 'admin'"):
        call_command("load_demo")


def test_signing_up_can_be_closed(client, db, settings):
    settings.OPEN_SIGNUP = False
    assert b"password1" not in client.get("/accounts/signup/").content
    settings.OPEN_SIGNUP = True
    assert b"password1" in client.get("/accounts/signup/").content
