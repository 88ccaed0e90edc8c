"""Observation and certification in the OpenAPI description."""

from typing import Any

from gateway import protocol as wire
from gateway.openapi_parts import ID, call, get, ref


def observing_paths() -> dict[str, Any]:
    """The paths of results, subscriptions and certification."""

    def query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": description, "schema": schema}

    text = {"type": "string"}
    several = {"type": "array", "items": text}
    own = {**ID, "description": "Subscription id: knowing it is the right to see and to end it"}
    wait = {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N`: seconds to wait, 30 at most, for a measurement under way (RFC 7240)",
        "schema": text,
    }
    one = {
        "get": call("A subscription, without its secret", {200: wire.Subscription}, own, errors=(404,)),
        "delete": call("End a subscription", {204: None}, own, errors=(404,)),
    }
    taken = (400, 401, 403, 413, 415, 422, 429)
    pages = (
        query("limit", "How many", {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}),
        query("before", "The `next` of the page before", {"type": "integer", "minimum": 1}),
    )
    return {
        "/observe/results": get(
            "OORS 0.8: the contracts' rules measured on the data",
            {wire.MEDIA_JSON: ref(wire.ObservabilityResults)},
            query("artifactId", "Only results of these artifacts", several),
            query("contractId", "Only results of these contracts", several),
            query("contractVersion", "Only results of these versions", several),
            wait,
            errors=(404,),
        ),
        "/observe/events/subscriptions": {
            **get("What can be subscribed to", {wire.MEDIA_JSON: ref(wire.SubscriptionOffer)}),
            "post": call(
                "Have events delivered: CloudEvents, signed as Standard Webhooks. Where issuers are trusted it needs "
                "a grant with the scope `observe`.",
                {201: wire.Subscription},
                body=wire.SubscriptionRequest,
                errors=taken,
            ),
        },
        "/observe/events/subscriptions/{id}": one,
        "/observe/events/dead-letters": {
            "get": call(
                "Events that could not be delivered", {200: wire.DeadLetters}, *pages, errors=(400,), scope="control"
            )
        },
        "/certify/status": get(
            "Whether the product meets its policies", {wire.MEDIA_JSON: ref(wire.CertificationStatus)}, wait
        ),
        "/certify/report": get(
            "Each policy with its result and evidence",
            {wire.MEDIA_JSON: ref(wire.CertificationReport)},
            query("id", "A report kept; the newest when absent", text),
            wait,
            errors=(404,),
        ),
        "/certify/subscriptions": {
            **get("What can be subscribed to", {wire.MEDIA_JSON: ref(wire.SubscriptionOffer)}),
            "post": call(
                "Be told when a share crosses a threshold. Where issuers are trusted it needs a grant with the scope "
                "`certify`.",
                {201: wire.Subscription},
                body=wire.ThresholdRequest,
                errors=taken,
            ),
        },
        "/certify/subscriptions/{id}": one,
        "/certify/publish": {
            "post": call(
                "Push the newest report to recipients",
                {200: wire.Published, 502: wire.Published},
                body=wire.PublishRequest,
                errors=(400, 413, 415, 422),
                scope="certify",
            )
        },
    }
