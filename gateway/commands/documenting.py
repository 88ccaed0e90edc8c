"""The generated part of docs/gateway-protocol.md: every call and every field, from OpenAPI and the models."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.openapi import openapi
from gateway.protocol import base, certification, consumption, control, discovery, health, results, subscriptions

BEGIN = "<!-- generated: python -m gateway protocol -->"
END = "<!-- end of what is generated -->"
THEMES = (base, discovery, health, results, subscriptions, certification, control, consumption)


def protocol_text() -> str:
    """The lines between the two marks, marks included."""
    return "\n".join([BEGIN, *_calls(), *_models(), END]) + "\n"


def put_into(page: Path) -> None:
    """Replace what stands between the marks of a page. Raises ValueError when it has no marks."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    after = rest[rest.index(END) + len(END) + 1 :]
    page.write_text(before + protocol_text() + after, "utf-8")


def _calls() -> Iterator[str]:
    document = json.loads(openapi())
    yield from ("", "## Every call", "", "| call | what it does | answer | problems | grant |", "|---|---|---|---|---|")
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            answers = [_answer(s, r) for s, r in call["responses"].items() if s[0] in "23"]
            problems = [s for s in call["responses"] if s[0] in "45"]
            needed = call.get("security", [])
            grant = "" if not needed else "unless open" if {} in needed else "yes"
            cells = [f"`{method.upper()} {path}`", call["summary"], ", ".join(answers), ", ".join(problems), grant]
            yield f"| {' | '.join(cells)} |"


def _answer(status: str, response: dict[str, Any]) -> str:
    names = []
    for content in response.get("content", {}).values():
        reference = content.get("schema", {}).get("$ref", "")
        if reference:
            names.append(reference.rsplit("/", 1)[1])
    return f"{status} {'/'.join(dict.fromkeys(names))}".strip()


def wire_models() -> Iterator[type[base.Wire]]:
    """Every model that has fields, as the themes of the protocol order them."""
    for theme in THEMES:
        for model in vars(theme).values():
            own = isinstance(model, type) and model.__module__ == theme.__name__
            if own and issubclass(model, base.Wire) and model.model_fields:
                yield model


def _models() -> Iterator[str]:
    yield from ("", "## Every field", "", "Fields marked * are always there.")
    for model in wire_models():
        first = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        yield from ("", f"**{model.__name__}**. {first}", "")
        schema = model.model_json_schema(mode="serialization")
        required = model.model_json_schema().get("required", [])
        for field, described in schema["properties"].items():
            yield f"- `{field}`{'*' if field in required else ''} {_type(described)}"


def _type(schema: dict[str, Any]) -> str:
    """A JSON Schema type in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and schema.get("additionalProperties"):
        own = schema["additionalProperties"]
        return f"object of {_type(own)}" if isinstance(own, dict) else "object"
    return {"date-time": "time"}.get(schema.get("format", ""), str(kind))
