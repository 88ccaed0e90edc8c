"""ODCS 2.x (and its forerunners 2.0 and 2.1) written as ODCS 3, so that one reader reads both.

Source: https://bitol-io.github.io/open-data-contract-standard/v2.2.2/ and the changelog of 3.0.0. User names and
passwords, which version 2 had a place for, are left behind.
"""

from __future__ import annotations

from typing import Any

from .read import flag, mapping, mappings, text

_OWN_KEYS = ("quantumName", "datasetDomain", "datasetName", "datasetProject", "userConsumptionMode", "templateName")

_TABLE = {"table": "name", "dataGranularity": "dataGranularityDescription", "columns": "properties"}
_COLUMN = {
    "column": "name",
    "isPrimary": "primaryKey",
    "isPrimaryKey": "primaryKey",
    "isUnique": "unique",
    "partitionStatus": "partitioned",
    "isPartitioned": "partitioned",
    "criticalDataElementStatus": "criticalDataElement",
    "isCriticalDataElement": "criticalDataElement",
    "sampleValues": "examples",
    "transformSourceTables": "transformSourceObjects",
    "encryptedColumnName": "encryptedName",
}
_RULE = {"code": "name", "toolName": "engine", "scheduleCronExpression": "schedule"}
_SLA = {"column": "element"}
_SERVER = ("driver", "driverVersion", "server", "database", "project", "datasetProject", "datasetName")

# What `upgraded` has moved elsewhere or leaves behind.
READ = {
    *("dataset", "uuid", "templateName", "templateVersion", "standardVersion", "quantumName", "datasetDomain"),
    *("datasetName", "datasetProject", "project", "stakeholders", "slaDefaultColumn", "productDl"),
    *("productSlackChannel", "productFeedbackUrl", "other", "driver", "driverVersion", "server", "database"),
    *("sourceSystem", "sourcePlatform", "username", "password"),
}


def matches(document: Any) -> bool:
    """Found by its list of tables beside one of the names only version 2 has; `kind` had other values then."""
    return isinstance(document, dict) and "dataset" in document and any(key in document for key in _OWN_KEYS)


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """The same contract in the words of ODCS 3. Takes any document and never raises."""
    doc = dict(document)
    default = text(doc.get("slaDefaultColumn"))
    doc.update(
        apiVersion=_version(document),
        id=document.get("id", document.get("uuid")),
        name=document.get("name", document.get("datasetName")),
        domain=document.get("domain", document.get("datasetDomain")),
        dataProduct=document.get("dataProduct", document.get("quantumName")),
        schema=[_table(entry) for entry in mappings(document.get("dataset"))],
        quality=[_renamed(rule, _RULE) for rule in mappings(document.get("quality"))],
        slaProperties=[
            {"element": default, **_renamed(entry, _SLA)} for entry in mappings(document.get("slaProperties"))
        ],
        team=document.get("team", document.get("stakeholders")),
        support=document.get("support", _support(document)),
        servers=document.get("servers", _servers(document)),
        customProperties=document.get("customProperties", document.get("other")),
    )
    return doc


def _version(document: dict[str, Any]) -> str | None:
    for key in ("apiVersion", "standardVersion", "templateVersion"):
        if said := text(document.get(key)):
            return said if said.startswith("v") else f"v{said}"
    return "v2"


def _renamed(entry: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The new name does not overwrite what is already written under it."""
    found = {key: value for key, value in entry.items() if key not in names}
    for old, new in names.items():
        if old in entry:
            found.setdefault(new, entry[old])
    return found


def _table(entry: dict[str, Any]) -> dict[str, Any]:
    table = _renamed(entry, _TABLE)
    table["properties"] = [_column(column) for column in mappings(table.get("properties"))]
    table["quality"] = [_renamed(rule, _RULE) for rule in mappings(table.get("quality"))]
    table.setdefault("physicalType", "table" if "table" in entry else None)
    return table


def _column(entry: dict[str, Any]) -> dict[str, Any]:
    column = _renamed(entry, _COLUMN)
    nullable = flag(column.pop("isNullable", None))
    if nullable is not None:
        column.setdefault("required", not nullable)
    column["quality"] = [_renamed(rule, _RULE) for rule in mappings(column.get("quality"))]
    return column


def _support(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    mail = text(document.get("productDl"))
    if mail:
        found.append({"channel": mail, "tool": "email", "url": f"mailto:{mail}" if "@" in mail else None})
    if slack := text(document.get("productSlackChannel")):
        found.append({"channel": slack, "tool": "slack"})
    if feedback := text(document.get("productFeedbackUrl")):
        found.append({"channel": "feedback", "url": feedback})
    return found


def _servers(document: dict[str, Any]) -> list[dict[str, Any]]:
    settings = {key: document[key] for key in _SERVER if mapping(document).get(key) is not None}
    kind = text(document.get("sourceSystem")) or text(document.get("sourcePlatform"))
    if not kind and not settings:
        return []
    host = settings.pop("server", None)
    return [{"type": kind, "platform": document.get("sourcePlatform"), "host": host, **settings}]
