"""What the events of a product are called where people read them."""

from marketplace.live.drift.telling import event_in_words
from registry.models import Event

TEXT = 160  # characters of one thing that an event says

# What everybody may read, and its icon. Requests and agreements are between two parties, and not here.
WORDS = {
    "product.published": ("Published in the marketplace", "circle-check"),
    "product.updated": ("Listing changed", "pencil"),
    "product.paused": ("Paused", "triangle-alert"),
    "product.resumed": ("Resumed", "circle-check"),
    "product.deprecated": ("Deprecated", "triangle-alert"),
    "product.retired": ("Retired", "circle-alert"),
    "product.transferred": ("Given to another team", "users"),
    "link.changed": ("Links changed", "link"),
    "contract.drifted": ("Contract changed", "scale"),
    "certification.passed": ("Certified", "shield-check"),
    "certification.failed": ("Certification failed", "circle-alert"),
    "certification.attested": ("Certification attested", "shield-check"),
    "certification.expired": ("Certification expired", "triangle-alert"),
    "health.degraded": ("Health got worse", "triangle-alert"),
    "health.recovered": ("Health recovered", "circle-check"),
    "slo.breached": ("Service level objective missed", "triangle-alert"),
    "slo.restored": ("Service level objective met again", "circle-check"),
}
UNDONE = {
    "product.updated": "a change was taken back",
    "product.paused": "a pause was taken back",
    "product.deprecated": "a deprecation was taken back",
    "product.retired": "a retirement was taken back",
}


def detail(event: Event) -> str:
    """The few words an event's data has for everybody; empty for none."""
    if event.type == "contract.drifted":
        return event_in_words(event.data)[: 2 * TEXT]
    if undid := UNDONE.get(str(event.data.get("undid"))):
        return undid
    said = [event.data.get(name) for name in ("summary", "version", "suggested_version", "message")]
    if event.type == "product.deprecated":
        day, successor = event.data.get("retires_on"), event.data.get("successor")
        said += [day and f"to be retired on {day}", successor and f"followed by {successor}"]
    return " · ".join(str(text)[:TEXT] for text in said if isinstance(text, str) and text)
