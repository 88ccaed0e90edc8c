"""Turns the entries of the AWS open data registry (https://github.com/awslabs/open-data-registry) into import lines."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.text import cut, plain_text

# As registry.models.SUMMARY_LIMIT, which cannot be imported without settings.
SUMMARY_LIMIT = 1200
# No underscore in the host (RFC 952): one entry has such a link, and the registry refuses it.
LINK = re.compile(r"https?://[^\s/_)\]]+(?:/[^\s)\]>\"'}|\\^`<\[{]*)?(?=[\s)\]>\"'}|<]|$)")
LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def lines(source_file: Path) -> Iterator[str]:
    """One line a dataset of the `datasets.jsonl.gz` at this path."""
    with gzip.open(source_file, "rt", encoding="utf-8") as source:
        for row in source:
            entry = json.loads(row)
            yield json.dumps(line(entry["id"], entry["document"]))


def line(identifier: str, document: dict[str, Any]) -> dict[str, Any]:
    """One dataset: the description is long Markdown, of which the first sentences are kept."""
    name = re.sub(r"[^a-z0-9]+", "-", identifier.lower())[:63].strip("-")
    links = [{"rel": "source", "url": f"https://registry.opendata.aws/{identifier}/", "media_type": "text/html"}]
    links += [
        {"rel": "documentation", "url": url, "media_type": "text/html"}
        for url in LINK.findall(document.get("Documentation") or "")[:3]
    ]
    return {
        "domain": "aws-open-data",
        "name": name,
        "title": plain_text(document["Name"])[:140].strip(),
        "summary": cut(plain_text(LINKED.sub(r"\1", document["Description"]).replace("**", "")), SUMMARY_LIMIT),
        "tags": [tag for tag in document.get("Tags") or [] if isinstance(tag, str)][:12],
        "owner": plain_text(LINKED.sub(r"\1", document.get("ManagedBy") or ""))[:120].strip() or "Unknown",
        "links": links,
    }
