"""What a worker has taken of the queue `live` it keeps in mind, and gives back; of other queues Redis knows, too."""

from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection, Consumer, Queue

from marketplace import broker
from marketplace.celery import app

NAMES = {"live": "live.refresh", "default": "registry.deliver_all"}


def put(queue: str, count: int = 5) -> None:
    for number in range(count):
        app.send_task(NAMES[queue], args=(number,), queue=queue, ignore_result=True)


@contextmanager
def taking(queue: str, at_most: int):
    """A worker's end of the broker, as far as messages go: what it has, at most so many unacknowledged."""
    taken = []
    with Connection(settings.CELERY_BROKER_URL) as connection:
        channel: Any = connection.channel()
        channel.basic_qos(0, at_most, False)
        with Consumer(channel, [Queue(queue)], callbacks=[lambda _, message: taken.append(message)]):

            def drain():
                """Takes until there is nothing more to be had."""
                while True:
                    try:
                        connection.drain_events(timeout=0.2)
                    except TimeoutError:
                        return [message.headers["argsrepr"] for message in taken]

            yield taken, drain


def noted(redis):
    return redis.hlen("unacked")


@pytest.mark.parametrize(("queue", "in_redis"), [("live", 0), ("default", 2)])
def test_a_worker_takes_no_more_than_it_may_hold_and_more_when_it_is_done(fresh_redis, queue, in_redis):
    put(queue)
    with taking(queue, 2) as (taken, drain):
        assert drain() == ["(0,)", "(1,)"]
        assert isinstance(taken[0].channel, broker.Channel)
        assert (fresh_redis.llen(queue), noted(fresh_redis)) == (3, in_redis)
        taken[0].ack()
        assert drain() == ["(0,)", "(1,)", "(2,)"]
        for message in taken[1:]:
            message.ack()
        assert drain() == ["(0,)", "(1,)", "(2,)", "(3,)", "(4,)"]
    assert noted(fresh_redis) == 0


@pytest.mark.parametrize("queue", ["live", "default"])
def test_what_a_worker_holds_when_it_stops_is_the_next_ones(fresh_redis, queue):
    put(queue)
    with taking(queue, 3) as (taken, drain):
        drain()
        taken[1].ack()
    assert (fresh_redis.llen(queue), noted(fresh_redis)) == (4, 0)
    with taking(queue, 10) as (_, drain):
        assert sorted(drain()) == ["(0,)", "(2,)", "(3,)", "(4,)"]


@pytest.mark.parametrize("queue", ["live", "default"])
def test_what_a_worker_refuses_is_gone_or_first_again(fresh_redis, queue):
    put(queue, 3)
    with taking(queue, 2) as (taken, drain):
        drain()
        taken[0].reject()
        taken[1].requeue()
        drain()
        assert {message.headers["argsrepr"] for message in taken[2:]} == {"(1,)", "(2,)"}


def test_a_channel_has_one_client_however_much_is_sent():
    with Connection(settings.CELERY_BROKER_URL) as connection:
        channel: Any = connection.channel()
        assert channel._create_client() is channel._create_client()
        first = channel._create_client()
        channel._disconnect_pools()
        assert channel._create_client() is not first
        assert channel._create_client().ping()
