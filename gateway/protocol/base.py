"""What every answer has in common: media types, the base of all wire models, links, problems."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PROTOCOL_VERSION = "1"

KINDS = ("table", "file", "image set", "document", "model", "notebook", "query", "stream", "report")
"""What an artifact can be. A reader shows other words as they come."""

ACCESS_RIGHTS = ("open", "on request")

MAX_SAMPLE_ROWS = 100

MEDIA_JSON = "application/json"
MEDIA_YAML = "application/yaml"  # RFC 9512
MEDIA_PROBLEM = "application/problem+json"  # RFC 9457
MEDIA_HEALTH = "application/health+json"  # draft-inadarei-api-health-check-06
MEDIA_OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
MEDIA_CLOUDEVENT = "application/cloudevents+json; charset=utf-8"
MEDIA_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

OORS_VERSION = "v0.8.1"

HealthStatus = Literal["pass", "warn", "fail"]


class Wire(BaseModel):
    """Base of all wire models: camelCase on the wire, snake_case in Python, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", serialize_by_alias=True)

    def to_json(self) -> bytes:
        """The JSON text of this model, UTF-8; nulls are written, since a null inside a document is part of it."""
        return self.model_dump_json().encode()


class Terse(Wire):
    """A model whose standard leaves out what does not apply, instead of null."""

    def to_json(self) -> bytes:
        """The JSON text of this model, UTF-8, nulls left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Link(Wire):
    """A typed link. `href` may be relative to the address it was read from (RFC 3986): join before use."""

    rel: str
    href: str
    type: str | None = None
    title: str | None = None


class Linked(Wire):
    """A model that carries links."""

    links: list[Link] = Field(default_factory=list)

    def href(self, rel: str) -> str | None:
        """`href` of the first link with this relation; None when there is none."""
        return next((link.href for link in self.links if link.rel == rel), None)


class Problem(Terse):
    """An error (RFC 9457). `action` says what the reader can do about it."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    action: str | None = None
