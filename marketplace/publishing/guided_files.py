"""From the answers of the guided form to the files of a data product: ODPS 1.1.0, ODCS 3.2.0, and a gateway's folder.

Pure. Answers are written as YAML values by a dumper and never into comments, names or settings, so they stay text.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import yaml

from marketplace.publishing.guided_answers import LOGICAL_TYPES, Answers, ColumnAnswer

FREQUENCIES = {
    "hour": (1, "h"),
    "day": (1, "d"),
    "week": (7, "d"),
    "month": (1, "mo"),
    "year": (1, "y"),
}
FORMATS = {"csv": "csv", "jsonl": "jsonl"}  # of which a file to begin with is written
_TYPES = {"source-aligned": "sourceAligned", "aggregate": "aggregate", "consumer-aligned": "consumerAligned"}
_BEGUN = (1980, 1, 1, 0, 0, 0)  # the same answers give the same bytes
_HEAD = "# Begun with the marketplace's guided form. Yours to change; the gateway serves it as written.\n"


class _Dumper(yaml.SafeDumper):
    """Writes signs that YAML takes for the end of a line as escapes, and repeats instead of referring."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _as_written)


def _yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def files(answers: Answers, marketplace: str) -> dict[str, str]:
    """Texts by path within the product's folder. `marketplace` is its address, whose grants the gateway is to trust."""
    found = {
        "product.odps.yaml": _HEAD + _yaml(odps(answers)),
        "contracts/data.odcs.yaml": _HEAD + _yaml(odcs(answers)),
        "gateway.yaml": _settings(marketplace),
        "README.md": _readme(answers, marketplace),
    }
    if path := data_path(answers):
        found[path] = _data(answers)
    return found


def archive(answers: Answers, marketplace: str) -> bytes:
    """The folder as a zip, below the product's name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path, text in files(answers, marketplace).items():
            entry = zipfile.ZipInfo(f"{answers.name}/{path}", _BEGUN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(entry, text.encode())
    return packed.getvalue()


def data_path(answers: Answers) -> str:
    """Where the data go; empty where the form cannot begin the file: of another format, or without columns."""
    return f"data/data.{FORMATS[answers.format]}" if answers.format in FORMATS and answers.columns else ""


def odps(answers: Answers) -> dict[str, Any]:
    """The product's document."""
    urls = [one.text for one in answers.inputs if one.is_url]
    words = [one.text for one in answers.inputs if not one.is_url and not one.contract_id]
    return _filled(
        apiVersion="v1.1.0",
        kind="DataProduct",
        id=answers.id,
        name=answers.name,
        version="1.0.0",
        status="draft",
        type=_TYPES.get(answers.type),
        domain=answers.domain,
        tags=list(answers.tags),
        description=_filled(
            purpose=answers.purpose, usage=f"Who uses it: {answers.who}", limitations=answers.limitations
        ),
        authoritativeDefinitions=[{"type": "source", "url": url} for url in urls],
        inputPorts=[
            {"name": one.contract_id, "version": one.version, "contractId": one.contract_id}
            for one in answers.inputs
            if one.contract_id
        ],
        outputPorts=[
            {
                "name": "data",
                "description": answers.what,
                "type": "table" if answers.columns else "file",
                "version": "1.0.0",
                "contractId": answers.contract_id,
                "customProperties": _custom(title=answers.title, accessRights=_access(answers)),
            }
        ],
        support=_support(answers),
        team=_team(answers),
        customProperties=_custom(
            title=answers.title,
            summary=answers.what,
            accessRights=_access(answers),
            accessPolicy=answers.access_policy,
            license=answers.license,
            classification=answers.classification,
            users=answers.who,
            sources=words,
            updateFrequency=answers.frequency and f"every {answers.frequency}",
        ),
    )


def odcs(answers: Answers) -> dict[str, Any]:
    """The contract of its one output port: a skeleton to go on with."""
    path = data_path(answers)
    server = {"server": "local", "type": "local", "path": path, "format": answers.format}
    return _filled(
        apiVersion="v3.2.0",
        kind="DataContract",
        id=answers.contract_id,
        name=answers.title,
        version="1.0.0",
        status="draft",
        domain=answers.domain,
        dataProduct=answers.name,
        description=_filled(purpose=answers.purpose, limitations=answers.limitations),
        servers=[server] if path else [],
        team=_team(answers),
        support=_support(answers),
        slaProperties=_objectives(answers),
        schema=[
            _filled(
                name="data",
                logicalType="object",
                physicalName=path.rpartition("/")[2],
                physicalType="table" if answers.columns else "file",
                description=answers.what,
                properties=[_column(column, answers) for column in answers.columns],
            )
        ],
    )


def _column(column: ColumnAnswer, answers: Answers) -> dict[str, Any]:
    logical, physical = LOGICAL_TYPES[column.type]
    return _filled(
        name=column.name,
        logicalType=logical,
        physicalType=physical,
        description=column.meaning,
        classification=answers.classification,
    )


def _objectives(answers: Answers) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if answers.frequency in FREQUENCIES:
        value, unit = FREQUENCIES[answers.frequency]
        found.append({"property": "frequency", "value": value, "unit": unit})
    if answers.availability:
        found.append({"property": "availability", "value": float(answers.availability), "unit": "percent"})
    return found


def _access(answers: Answers) -> str:
    return "open" if answers.access_mode == "open" else "on request"


def _support(answers: Answers) -> list[dict[str, Any]]:
    if not answers.email:
        return []
    return [{"channel": answers.email, "tool": "email", "url": f"mailto:{answers.email}"}]


def _team(answers: Answers) -> dict[str, Any]:
    members = []
    if answers.email or answers.owner_name:
        owner = _filled(username=answers.email or answers.owner_name, name=answers.owner_name)
        members.append({**owner, "role": "Data product owner"})
    if answers.steward:
        members.append({"username": answers.steward, "role": "Data steward"})
    return _filled(name=answers.team, members=members)


def _custom(**values: Any) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in _filled(**values).items()]


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}


def _data(answers: Answers) -> str:
    """The header alone: what is promised is not made up. A file of lines begins empty."""
    if answers.format == "jsonl":
        return ""
    return ",".join(column.name for column in answers.columns) + "\n"


def _settings(marketplace: str) -> str:
    trusted = _yaml({"trust": [{"issuer": marketplace, "jwks_url": f"{marketplace}/.well-known/jwks.json"}]})
    return (
        '# Settings of the gateway. README.md of the gateway, "gateway.yaml", describes every key.\n'
        "# Who may sign tokens for data that are not open:\n" + trusted + "#\n"
        "# Where the data are, when they are not the file in the contract: a database, another folder, an address.\n"
        "# artifacts:\n"
        "#   data:\n"
        "#     source: {type: parquet, path: /data/rain.parquet}\n"
    )


def _readme(answers: Answers, marketplace: str) -> str:
    """Only names of ours and slugs stand in it: it is Markdown, and what was answered is text."""
    path = data_path(answers)
    fill = (
        f"1. Put your data into `{path}`; its columns are described in `contracts/data.odcs.yaml`."
        if path
        else "1. Say in `gateway.yaml` where the data are, and describe their columns in `contracts/data.odcs.yaml`."
    )
    return f"""# {answers.name}

The folder of a data product: what it is (`product.odps.yaml`), what it promises (`contracts/data.odcs.yaml`), and how
its gateway is set (`gateway.yaml`).

{fill}
2. Check it: `python -m gateway validate .`
3. Serve it: `python -m gateway serve . --port 8100`, and look at http://127.0.0.1:8100/discover.
4. Where others reach it, paste its address at {marketplace}/publish/, or
   `python -m gateway register . --marketplace {marketplace} --url https://where.others.reach.it --token dmm_…`.

The gateway is in the marketplace's repository: `pip install '.[gateway]'` in a checkout of it.
"""
