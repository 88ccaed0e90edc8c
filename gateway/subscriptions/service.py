"""Subscriptions to the events of one product, and their deliveries."""

import base64
import binascii
import json
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from gateway.config import GatewayConfig
from gateway.protocol import (
    MEDIA_CLOUDEVENT,
    CertificationReport,
    DeadLetter,
    DeadLetters,
    Subscription,
    SubscriptionRequest,
    ThresholdRequest,
)
from gateway.schedule import scheduler
from gateway.state import State
from gateway.subscriptions.addresses import AddressError, Destination, checked
from gateway.subscriptions.register import Bounds, Register
from gateway.subscriptions.sending import SendError, send
from gateway.subscriptions.turns import Pace, Turns

log = logging.getLogger(__name__)

DELIVERY = "delivery"
DEAD_LETTER = "dead-letter"
THRESHOLD = "certification.threshold"
EVENT_TYPES = (
    "observability.results", "health.degraded", "health.recovered", "certification.passed", "certification.failed",
    "product.updated", "product.paused", "product.resumed", "order.placed", "order.ready", "order.failed",
)  # fmt: skip
"""What a gateway tells of. The names are those of the marketplace's event log where it knows the same."""
MAX_WAITING = 200_000
"""Deliveries that may wait; more are dead letters at once."""
_AT_ONCE = 500
"""Deliveries that are kept in one transaction: others may use the state in between."""

turns = Turns(lambda seconds, job: scheduler.after(seconds, "deliver", job))
"""Of all products of this process."""
pace = Pace()
"""Of all products of this process."""


class BadSubscription(Exception):  # noqa: N818 - an answer, not a fault
    """A subscription that cannot be taken; the text says why."""


class Subscriptions:
    """Who wants which events, and getting them there.

    Args:
        origin: gives the CloudEvents `source` and `subject` as they are now.

    A delivery is kept in the state until it is done, so that a restart loses none (`resume`). Events may come twice
    or in another order; their id says which is which.
    """

    def __init__(
        self, state: State, config: Callable[[], GatewayConfig], origin: Callable[[], tuple[str, str]]
    ) -> None:
        self.state = state
        self.register = Register(state)
        self.config = config
        self.origin = origin

    # -- who wants what -------------------------------------------------------------------------------------------

    def add(self, wanted: SubscriptionRequest, subscriber: str, *, now_met: float | None = None) -> Subscription:
        """Take a subscription. Blocking: resolves the address.

        Args:
            subscriber: who asks; each may have so many.
            now_met: for a ThresholdRequest, the share as it is; notices come when it next crosses the threshold.

        Raises:
            AddressError: the address is refused.
            BadSubscription: the secret or the time is not usable.
            Full: there are too many, in all, of this subscriber or to this host.
        """
        config = self.config()
        where = checked(wanted.url, allow_internal=config.deliveries.allow_internal)
        created = datetime.now(UTC)
        expires = wanted.expires
        if expires is not None:
            expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
            if expires <= created:
                raise BadSubscription("`expires` is in the past.")
        secret = wanted.secret or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        check_secret(secret)
        subscription = Subscription(
            id=secrets.token_urlsafe(24),  # knowing it is the right to end it
            url=wanted.url,
            types=[THRESHOLD] if isinstance(wanted, ThresholdRequest) else wanted.types,
            measure=wanted.measure if isinstance(wanted, ThresholdRequest) else None,
            threshold=wanted.threshold if isinstance(wanted, ThresholdRequest) else None,
            expires=expires,
            created=created,
            secret=secret,
        )
        kept = {**subscription.model_dump(mode="json"), "subscriber": subscriber, "host": where.host, "ip": where.ip}
        if isinstance(wanted, ThresholdRequest):
            kept["above"] = now_met is not None and now_met >= wanted.threshold
        deliveries = config.deliveries
        bounds = Bounds(config.observe.max_subscriptions, deliveries.per_subscriber, deliveries.per_host)
        self.register.add(subscription.id, kept, bounds, expires.timestamp() if expires else None)
        return subscription

    def find(self, own_id: str) -> Subscription | None:
        """A subscription, without its secret."""
        kept = self.register.find(own_id)
        return Subscription.model_validate({**kept, "secret": None}) if kept else None

    def count(self) -> int:
        """How many subscriptions there are."""
        return self.register.count()

    def remove(self, own_id: str) -> bool:
        """End a subscription; False when there is none."""
        return self.register.remove(own_id)

    # -- events ---------------------------------------------------------------------------------------------------

    def emit(self, type: str, data: dict[str, Any]) -> None:
        """Tell all who subscribed to this type. Returns at once; never raises for what receivers do."""
        event = self._event(type, data)
        scheduler.after(0, "deliver", lambda: self._fan_out(event, self._wanting(type)))

    def on_report(self, before: CertificationReport | None, now: CertificationReport) -> None:
        """Events of a new certification report: passed or failed when that changed, and thresholds crossed."""
        if before is None or before.status != now.status:
            self.emit(
                "certification.passed" if now.status == "OK" else "certification.failed",
                {
                    "status": now.status,
                    "reportId": now.id,
                    "notMet": [policy.id for policy in now.policies if not policy.met],
                },
            )
        shares = shares_of(now)
        for own_id, kept in self.register.all().items():
            share = shares.get(kept.get("measure") or "")
            if share is None or kept.get("threshold") is None or kept["above"] == (share >= kept["threshold"]):
                continue
            kept["above"] = share >= kept["threshold"]
            if self.register.change(own_id, kept):
                crossed = "above" if kept["above"] else "below"
                data = {
                    "measure": kept["measure"],
                    "threshold": kept["threshold"],
                    "value": share,
                    "crossed": crossed,
                    "status": now.status,
                    "reportId": now.id,
                }
                self._fan_out(self._event(THRESHOLD, data), [own_id])

    def _event(self, type: str, data: dict[str, Any]) -> dict[str, Any]:
        """A CloudEvents 1.0 event."""
        source, subject = self.origin()
        return {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": source,
            "type": type,
            "subject": subject,
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }

    def _wanting(self, type: str) -> Iterator[str]:
        for own_id, kept in self.register.all().items():
            types = kept.get("types")
            if kept.get("threshold") is None and (types is None or any(_fits(pattern, type) for pattern in types)):
                yield own_id

    def _fan_out(self, event: dict[str, Any], receivers: Iterable[str]) -> None:
        batch: list[dict[str, Any]] = []
        for own_id in receivers:
            batch.append({"subscription": own_id, "event": event, "attempts": 0})
            if len(batch) == _AT_ONCE:
                self._set(batch)
                batch = []
        self._set(batch)

    def _set(self, deliveries: list[dict[str, Any]]) -> None:
        """Keep deliveries and put them in turn; those for which there is no room become dead letters."""
        keys = [f"{delivery['event']['id']}:{delivery['subscription']}" for delivery in deliveries]
        with self.state.transaction() as db:
            (waiting,) = db.execute("SELECT count(*) FROM item WHERE kind = ?", (DELIVERY,)).fetchone()
            room = max(0, MAX_WAITING - waiting)
            rows = [
                (DELIVERY, key, json.dumps(delivery), time.time(), None)
                for key, delivery in zip(keys[:room], deliveries, strict=False)
            ]
            db.executemany("INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?)", rows)
        for delivery in deliveries[room:]:
            self._bury(delivery, "Too many deliveries are waiting.")
        for key, delivery in zip(keys[:room], deliveries, strict=False):
            self._queue(key, delivery)

    def resume(self) -> int:
        """Set the deliveries that were waiting when the gateway stopped; their number. Reads the state."""
        waiting = self.state.items(DELIVERY) if self.state.kept else {}
        for key, delivery in waiting.items():
            self._queue(key, delivery)
        return len(waiting)

    def _queue(self, key: str, delivery: dict[str, Any]) -> None:
        """Put a kept delivery in the turn of its host."""
        kept = self.register.find(delivery["subscription"])
        if kept is None:  # ended since
            self.state.remove(DELIVERY, key)
        elif not turns.add(kept.get("host", ""), self._attempting(key)):
            self.state.remove(DELIVERY, key)
            self._bury(delivery, "Too many deliveries wait for this host.")

    def _attempting(self, key: str) -> Callable[[], float]:
        """An attempt as a turn takes it: it goes back into the turn until its moment at the address has come."""
        reserved: str | None = None

        def attempt() -> float:
            nonlocal reserved
            delivery = self.state.item(DELIVERY, key)
            kept = self.register.find(delivery["subscription"]) if delivery else None
            if delivery is None or kept is None:  # ended since
                self.state.remove(DELIVERY, key)
                return 0
            deliveries = self.config().deliveries
            try:
                where = checked(kept["url"], allow_internal=deliveries.allow_internal)
            except AddressError as error:
                self._again(key, delivery, str(error))
                return 0
            if reserved != where.ip:  # a name may lead elsewhere by now
                wait = pace.reserve(where.ip, deliveries.per_minute)
                if wait is None:
                    self._again(key, delivery, "Too much is sent to this address already.")
                    return 0
                reserved = where.ip
                if wait:
                    return wait
            self._deliver(key, delivery, kept, where)
            return 0

        return attempt

    def _deliver(self, key: str, delivery: dict[str, Any], kept: dict[str, Any], where: Destination) -> None:
        try:
            status = self._send(kept, delivery["event"], where)
            error = None if 200 <= status < 300 else f"The receiver answered {status}."
        except SendError as failure:
            status, error = 0, str(failure)
        if error is None:
            self.state.remove(DELIVERY, key)
        elif status == 410:  # Standard Webhooks: the receiver wants no more
            self.state.remove(DELIVERY, key)
            self.remove(delivery["subscription"])
        else:
            self._again(key, delivery, error)

    def _again(self, key: str, delivery: dict[str, Any], error: str) -> None:
        waits = self.config().observe.retry_seconds
        delivery["attempts"] += 1
        if delivery["attempts"] > len(waits):
            self.state.remove(DELIVERY, key)
            self._bury(delivery, error)
            return
        self.state.change(DELIVERY, key, delivery)
        wait = waits[delivery["attempts"] - 1]
        jitter = 0.9 + 0.2 * secrets.randbelow(1000) / 1000
        scheduler.after(wait * jitter, "deliver", lambda: self._queue(key, delivery))

    def _send(self, kept: dict[str, Any], event: dict[str, Any], where: Destination) -> int:
        from standardwebhooks.webhooks import Webhook  # here: only gateways with subscribers need it

        body = json.dumps(event, separators=(",", ":"))
        now = datetime.now(UTC)
        headers = {
            "Content-Type": MEDIA_CLOUDEVENT,
            "User-Agent": "data-product-gateway",
            "webhook-id": event["id"],
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(kept["secret"]).sign(event["id"], now, body),
        }
        return send(where, body.encode(), headers, seconds=self.config().observe.delivery_seconds)

    def _bury(self, delivery: dict[str, Any], error: str) -> None:
        event = delivery["event"]
        letter = DeadLetter(
            subscription=delivery["subscription"],
            type=event["type"],
            event_id=event["id"],
            attempts=delivery["attempts"],
            last_error=error,
            time=datetime.now(UTC),
        )
        entry = {**letter.model_dump(mode="json"), "event": event}
        self.state.append(DEAD_LETTER, entry, keep=self.config().observe.keep_dead_letters)

    def dead_letters(self, *, limit: int, before: int | None = None) -> DeadLetters:
        """Events that could not be delivered, newest first. Subscriptions are named by the start of their id only."""
        entries = self.state.entries(DEAD_LETTER, limit=limit, before=before)
        letters = [DeadLetter.model_validate(entry.value) for entry in entries]
        for letter in letters:
            letter.subscription = letter.subscription[:8] + "…"
        return DeadLetters(entries=letters, next=entries[-1].number if len(entries) == limit else None)


def shares_of(report: CertificationReport) -> dict[str, float | None]:
    """What thresholds are on: the share of met policies, and of passed rules."""
    met = sum(policy.met for policy in report.policies)
    return {"policies": met / len(report.policies) if report.policies else 0.0, "quality": report.quality}


def _fits(pattern: str, type: str) -> bool:
    return pattern == type or (pattern.endswith("*") and type.startswith(pattern[:-1]))


def check_secret(secret: str) -> None:
    """Raise BadSubscription unless this is a Standard Webhooks secret: `whsec_` and base64 of 24 to 64 bytes."""
    try:
        size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith("whsec_") or not 24 <= size <= 64:
        raise BadSubscription("`secret` must be whsec_ followed by base64 of 24 to 64 bytes; or leave it out.")
