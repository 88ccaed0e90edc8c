"""What the OpenAPI description is made of: references to wire models, operations, parameters."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gateway import protocol as wire

ODPS = {"type": "object", "description": "Bitol ODPS 1.1.0 document, as written"}
ODCS = {"type": "object", "description": "Bitol ODCS 3.2.0 document, as written"}
ID = {"name": "id", "in": "path", "required": True, "description": "Artifact id", "schema": {"type": "string"}}
CONTRACT = {**ID, "name": "contractId", "description": "Contract id, percent-encoded"}
VERSION = {
    "name": "version",
    "in": "query",
    "description": "Contract version; the newest when absent",
    "schema": {"type": "string"},
}
LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "How many rows",
    "schema": {
        "type": "integer",
        "minimum": 1,
        "maximum": wire.MAX_SAMPLE_ROWS,
        "default": wire.MAX_SAMPLE_ROWS,
    },
}


def ref(model: type[BaseModel]) -> dict[str, Any]:
    """A reference to the schema of a wire model."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def get(
    summary: str, contents: dict[str, dict[str, Any]], *parameters: dict[str, Any], errors: tuple[int, ...] = ()
) -> dict[str, Any]:
    """A path with a cached GET: its answers by media type, and the statuses of its problems."""
    problem = {wire.MEDIA_PROBLEM: {"schema": ref(wire.Problem)}}
    content = {media: {"schema": schema} for media, schema in contents.items()}
    responses: dict[str, Any] = {
        "200": {"description": "As asked", "content": content},
        "304": {"description": "Unchanged since the ETag in If-None-Match"},
        **{str(status): {"description": "Problem", "content": problem} for status in errors},
        "default": {"description": "Problem", "content": problem},
    }
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": responses}}


def call(
    summary: str,
    answers: Mapping[int, type[BaseModel] | None],
    *parameters: dict[str, Any],
    body: type[BaseModel] | None = None,
    errors: tuple[int, ...] = (),
    scope: str | None = None,
) -> dict[str, Any]:
    """An operation that is no cached GET: what it takes, what it answers by status, the grant it needs."""
    problem = {wire.MEDIA_PROBLEM: {"schema": ref(wire.Problem)}}
    responses: dict[str, Any] = {str(status): {"description": "Done"} for status in answers}
    for status, model in answers.items():
        if model:
            responses[str(status)]["content"] = {wire.MEDIA_JSON: {"schema": ref(model)}}
    refused = (*errors, *((401, 403) if scope else ()))
    responses |= {str(status): {"description": "Problem", "content": problem} for status in refused}
    responses["default"] = {"description": "Problem", "content": problem}
    call: dict[str, Any] = {"summary": summary, "parameters": list(parameters), "responses": responses}
    if body:
        call["requestBody"] = {"required": True, "content": {wire.MEDIA_JSON: {"schema": ref(body)}}}
    if scope:
        call["description"] = f"Needs a grant with the scope `{scope}`."
        call["security"] = [{"grant": []}]
    return call
