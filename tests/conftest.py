"""The cast, the databases and the workers that all tests share."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from hypothesis import settings as hypothesis_settings

from marketplace.accounts.models import Role, Team, User
from marketplace.celery import app as celery_app
from registry import services
from registry.models import Domain, Product

# The same examples in each run, so that a red run is a change's own; `make fuzz` tries others.
hypothesis_settings.register_profile("same", derandomize=True, max_examples=60)
hypothesis_settings.register_profile("others", derandomize=False, print_blob=True, max_examples=500)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real catalogues and descriptors beside the repository; the test is skipped where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data (real catalogues), which is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Lets transactional tests empty the event log, which refuses TRUNCATE; one test turns the refusal on again."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_event DISABLE TRIGGER registry_event_no_truncate")


@pytest.fixture(autouse=True)
def fresh_redis() -> Iterator[redis.Redis]:
    """An empty Redis database for every test."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    cache.clear()
    yield client
    client.close()


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """The real hasher takes a quarter of a second for each person of the cast."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium where there is one, and no calls of its own to the outside."""
    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    quiet = ["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update"]
    arguments = [f"--{switch}" for switch in (*quiet, "disable-sync", "no-sandbox")]
    return {**browser_type_launch_args, "args": arguments, **({"executable_path": path} if path else {})}


# The cast


def make_user(username: str, *roles: Role, **extra: Any) -> User:
    """A person who can sign in with the password `demo`."""
    user = User(username=username, email=f"{username}@example.org", roles=list(roles), **extra)
    user.set_password("demo")
    user.save()
    return user


@pytest.fixture
def consumer(db: None) -> User:
    """Finds and uses products; owns none."""
    return make_user("consumer")


@pytest.fixture
def producer(db: None) -> User:
    """Owns the products of the tests, with the team-mate."""
    return make_user("producer", Role.PRODUCER)


@pytest.fixture
def teammate(db: None) -> User:
    """Works in the producer's team."""
    return make_user("teammate", Role.PRODUCER)


@pytest.fixture
def outsider(db: None) -> User:
    """A producer of another team."""
    return make_user("outsider", Role.PRODUCER)


@pytest.fixture
def steward(db: None) -> User:
    """Governs."""
    return make_user("steward", Role.STEWARD)


@pytest.fixture
def admin(db: None) -> User:
    """Administers."""
    return make_user("admin", Role.ADMIN)


@pytest.fixture
def team(producer: User, teammate: User) -> Team:
    """The producer's team."""
    from marketplace.accounts.services import create_team

    return create_team("Climate Data Office", email="climate@example.org", members=(producer, teammate))


@pytest.fixture
def climate(db: None) -> Domain:
    """The root of the domain tree."""
    return services.create_domain("climate", "Climate")


@pytest.fixture
def precipitation(climate: Domain) -> Domain:
    """A domain below climate."""
    return services.create_domain("precipitation", "Precipitation", parent=climate)


@pytest.fixture
def setup_product(producer: User, team: Team, precipitation: Domain) -> Callable[..., Product]:
    """Makes a published product; `published=False` leaves the draft, everything of ProductData can be given."""

    def setup(name: str = "daily-rain", *, published: bool = True, **overrides: Any) -> Product:
        overrides.setdefault("domain", precipitation.slug)
        overrides.setdefault("title", name.replace("-", " ").capitalize())
        overrides.setdefault("summary", f"{overrides['title']}: what fell at each station, measured every day.")
        product = services.register(producer, team, services.ProductData(name=name, **overrides))
        return services.publish(producer, product) if published else product

    return setup


@pytest.fixture
def sign_in() -> Callable[[User | None], Client]:
    """A browser of the given person; of a visitor for None."""

    def client_of(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return client_of


@pytest.fixture
def celery_worker(transactional_db: None, fresh_redis: redis.Redis) -> Iterator[Any]:
    """A real Celery worker on all queues, with the real broker."""
    database = fresh_redis.connection_pool.connection_kwargs.get("db", 0)
    for other in fresh_redis.client_list():
        # A worker of a test before may have left a reader behind, which would swallow the first message.
        if str(other.get("db")) == str(database) and other.get("cmd") == "brpop":
            fresh_redis.client_kill_filter(_id=other["id"])
    with start_worker(
        celery_app,
        pool="threads",
        concurrency=8,
        perform_ping_check=False,
        queues=["live", "embed", "default"],
        shutdown_timeout=20,
    ) as worker:
        yield worker


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """Waits for a condition to give something true and returns it; fails after `seconds`."""
    import time

    def wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := condition():
                return found
            time.sleep(0.02)  # the pause between two looks at the condition
        pytest.fail(f"nothing came true within {seconds} s")

    return wait


@pytest.fixture
def use_broker() -> Iterator[Callable[[str], None]]:
    """Points Celery at another broker; the real one is back after the test."""

    def use(url: str) -> None:
        celery_app.conf.update(broker_url=url, broker_write_url=url)
        celery_app._down = ("", 0.0)
        celery_app._after_fork()  # type: ignore[attr-defined] # forgets the connections it had

    yield use
    use(settings.CELERY_BROKER_URL)
