"""The generated part of docs/gateway-protocol.md: every call and every field, from OpenAPI and the models."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway import protocol as wire
from gateway.openapi import openapi

BEGIN = "<!-- generated: python -m gateway protocol -->"
END = "<!-- end of what is generated -->"


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


def _models() -> Iterator[str]:
    yield from ("", "## Every field", "", "Fields marked * are always there.")
    for name, model in vars(wire).items():
        if not (isinstance(model, type) and issubclass(model, wire.Wire) and model.model_fields):
            continue
        first = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        yield from ("", f"**{name}**. {first}", "")
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
