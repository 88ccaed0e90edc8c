"""Pushes a certification report to recipients. They are told apart by name: an address may hold a secret."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.config import GatewayConfig
from gateway.protocol import MEDIA_JSON, Publication, PublishRequest
from gateway.subscriptions.sending import SendError, post


@dataclass(frozen=True)
class Addressee:
    """Who gets a report. `name` may be shown to anybody, `url` to nobody."""

    name: str
    url: str = field(repr=False)


def addressees(wanted: PublishRequest, config: GatewayConfig) -> list[Addressee]:
    """Whom a request means: the address in it, the recipient that it names, else all of gateway.yaml."""
    if wanted.url:
        return [Addressee(shown(wanted.url), wanted.url)]
    named = [Addressee(recipient.name, recipient.url) for recipient in config.recipients]
    return [one for one in named if wanted.recipient in (None, one.name)]


def shown(url: str) -> str:
    """Scheme and host of an address: webhooks carry their secrets in the path, the query or the user name."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address asked for"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}" if parts.scheme and host else "the address asked for"


def push(body: bytes, to: Sequence[Addressee], config: GatewayConfig) -> list[Publication]:
    """Send the report to each, one after the other. Blocking, `delivery_seconds` each at most; never raises."""
    return [_push(body, one, config) for one in to]


def _push(body: bytes, to: Addressee, config: GatewayConfig) -> Publication:
    headers = {"Content-Type": MEDIA_JSON, "User-Agent": "data-product-gateway"}
    seconds, internal = config.observe.delivery_seconds, config.deliveries.allow_internal
    try:
        status = post(to.url, body, headers, seconds=seconds, allow_internal=internal)
    except SendError as error:
        return Publication(recipient=to.name, delivered=False, message=str(error))
    good = 200 <= status < 300
    said = None if good else f"The recipient answered {status}."
    return Publication(recipient=to.name, delivered=good, status=status, message=said)
