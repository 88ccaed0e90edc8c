"""Guides and notebooks of a product, rendered: Markdown, Jupyter notebooks, plain text; nothing else is shown here."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString

from marketplace.catalogue.addresses import guide_key
from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.documents import short_address
from marketplace.catalogue.text import MARKDOWN_LIMIT, cut, web_address
from marketplace.live.errors import FetchError
from marketplace.live.originals import Original
from marketplace.live.parsing import decode
from marketplace.live.state import LiveProduct
from marketplace.live.view import ArtifactView, ContractView, WebLink

CELLS = 200
TEXT = 20_000  # characters of one cell, output or paragraph
PLAIN = 100_000  # characters of a text without markup
PICTURES = 20
PICTURE_BYTES = 400_000  # of one; a page with more of them links to the source
READ_HERE = (".md", ".markdown", ".ipynb", ".txt", ".rst")
_KINDS = ("notebook", "document", "guide", "tutorial")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True)
class Guide:
    """Something a product gives to read, at an address of its own. `here`: it may be shown in our pages."""

    title: str
    url: str
    kind: str
    here: bool


@dataclass(frozen=True)
class Output:
    """What a cell gave: text, or a picture as a data address."""

    text: str = ""
    picture: str = ""
    error: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: text as sanitised HTML, or code with what it gave."""

    html: SafeString | None
    code: str = ""
    outputs: Sequence[Output] = ()


@dataclass(frozen=True)
class Rendered:
    """A guide fit to show: `html` of a text, or `cells` of a notebook, or `plain`; or why not, in `refusal`.

    `left_out`: how many characters of a long text are not shown.
    """

    html: SafeString | None = None
    cells: Rows[Cell] | None = None
    plain: str = ""
    refusal: str = ""
    left_out: int = 0


def guides_of(found: LiveProduct) -> list[Guide]:
    """What the product's documents give to read, each address once."""
    said = found.product
    links: list[Guide] = [_linked(link) for link in (said.documentation if said else ())]
    for artifact in artifacts_of(found):
        links += [_linked(link) for link in artifact.documentation]
        if is_readable(artifact):
            url = artifact.links.get("consume") or artifact.links.get("download") or ""
            links.append(Guide(artifact.title or artifact.name, url, artifact.kind or "", True))
        elif written := artifact.links.get("documentation"):
            links.append(_linked(WebLink(written, "documentation", artifact.title or artifact.name)))
    for part in found.contracts:
        if isinstance(part.view, ContractView):
            links += [_linked(link) for link in part.view.documentation]
    return list({guide.url: guide for guide in reversed(links) if guide.url.startswith("http")}.values())[::-1]


def artifacts_of(found: LiveProduct) -> Sequence[ArtifactView]:
    """The product's artifacts, of its list or else of its document."""
    listed = found.artifacts.view or found.metadata.view
    return listed.artifacts if listed else ()


def is_readable(artifact: ArtifactView) -> bool:
    """Whether the artifact is itself something to read that can be fetched without a grant."""
    url = artifact.links.get("consume") or artifact.links.get("download")
    is_open = (artifact.access or "").lower() in ("", "open", "public")
    return bool(url) and is_open and (artifact.kind or "").lower() in _KINDS


def guide_of(found: LiveProduct, key: str) -> Guide | None:
    """The guide that this key stands for, if the product names it and it may be shown here."""
    return next((guide for guide in guides_of(found) if guide.here and guide_key(guide.url) == key), None)


def may_be_shown(link: WebLink) -> bool:
    """Whether the address looks like a text or a notebook."""
    return urlsplit(link.url).path.lower().endswith(READ_HERE)


def _linked(link: WebLink) -> Guide:
    url = web_address(link.url)
    return Guide(link.description or short_address(url), url, link.type or "", may_be_shown(link))


def render(found: Original, bounds: Bounds) -> Rendered:
    """The document as safe HTML. Never raises."""
    path = urlsplit(found.url).path.lower()
    text = _decoded(found)
    if text is None:
        return Rendered(refusal="The document is not a text.")
    if "html" in found.media_type or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        return Rendered(refusal="The document is a web page; it is read best at its source.")
    notebook = _notebook(text) if text.lstrip().startswith("{") else None
    if notebook is not None:
        return Rendered(cells=_cells(notebook, bounds))
    if path.endswith((".md", ".markdown")) or "markdown" in found.media_type:
        return Rendered(html=bounds.markdown(text, lower=1), left_out=max(0, len(text) - MARKDOWN_LIMIT))
    if found.media_type.startswith("text/") or path.endswith(READ_HERE):
        return Rendered(plain=cut(text, PLAIN), left_out=max(0, len(text) - PLAIN))
    return Rendered(refusal=f"The document is {found.media_type or 'of an unnamed type'}, which is not shown here.")


def _decoded(found: Original) -> str | None:
    try:
        return decode(found.body, found.charset)
    except FetchError:
        return None


def _notebook(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(document, dict) and "nbformat" in document and isinstance(document.get("cells"), list)
    return document if is_one else None


def _cells(notebook: dict[str, Any], bounds: Bounds) -> Rows[Cell]:
    room = [PICTURES]
    found = (cell for cell in notebook["cells"] if isinstance(cell, dict))
    return bounds.rows(found, lambda cell: _cell(cell, bounds, room), CELLS)


def _cell(cell: dict[str, Any], bounds: Bounds, room: list[int]) -> Cell:
    source = cut(_joined(cell.get("source")), TEXT)
    if cell.get("cell_type") == "markdown":
        return Cell(bounds.markdown(source, lower=1))
    outputs = [output for output in _list(cell.get("outputs")) if isinstance(output, dict)][:20]
    return Cell(None, source, [shown for output in outputs for shown in _output(output, room)])


def _output(output: dict[str, Any], room: list[int]) -> Iterator[Output]:
    if output.get("output_type") == "error":
        lines = "\n".join(line for line in _list(output.get("traceback")) if isinstance(line, str))
        said = lines or f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
        yield Output(text=cut(_ANSI.sub("", said), TEXT), error=True)
        return
    if "text" in output:
        yield Output(text=cut(_ANSI.sub("", _joined(output["text"])), TEXT))
        return
    data = output.get("data")
    if not isinstance(data, dict):
        return
    for media_type in _PICTURES:
        picture = _picture(media_type, data.get(media_type)) if room[0] > 0 else ""
        if picture:
            room[0] -= 1
            yield Output(picture=picture)
            return
    if "text/plain" in data:
        yield Output(text=cut(_joined(data["text/plain"]), TEXT))
    elif data:
        yield Output(text="(an output that is not shown here: " + cut(", ".join(map(str, data)), 200) + ")")


def _picture(media_type: str, value: Any) -> str:
    """A data address of a picture whose bytes are one; nothing for all else."""
    text = "".join(_joined(value).split())
    if not text or len(text) > PICTURE_BYTES * 4 // 3:
        return ""
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return f"data:{media_type};base64,{text}" if body.startswith(_PICTURES[media_type]) else ""


def _joined(value: Any) -> str:
    """Notebooks write texts as one, or as a list of lines."""
    if isinstance(value, str):
        return value
    return "".join(_strings(value)) if isinstance(value, list) else ""


def _strings(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
