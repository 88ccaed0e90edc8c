"""What a product's documents say, shaped for the templates. All texts are foreign; Markdown ones are sanitised HTML."""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from marketplace.catalogue.bounds import CELL_TEXT, SAMPLE_CELLS, SAMPLE_COLUMNS, SAMPLE_ROWS, Bounds, Rows
from marketplace.catalogue.rows import (
    ArtifactRow,
    CheckRow,
    Health,
    LinkRow,
    Member,
    NameValue,
    Sample,
    SupportRow,
    TermRow,
)
from marketplace.catalogue.text import cut, moment, web_address
from marketplace.live import view

# Symbols of static/icons.svg by kind of artifact, as the gateway protocol names them, and as other formats do.
ICONS = {
    "table": "table-2",
    "tables": "table-2",
    "record set": "table-2",
    "file": "file-text",
    "file set": "layers",
    "collection": "layers",
    "image set": "image",
    "images": "image",
    "document": "file-text",
    "model": "box",
    "notebook": "notebook-text",
    "query": "terminal",
    "stream": "radio",
    "topic": "radio",
    "report": "chart-column",
    "api": "plug",
    "service": "plug",
}

# What each relation of a link is called, and its symbol.
LINKS = {
    "self": ("Metadata", "info"),
    "metadata": ("Metadata", "info"),
    "sample": ("Sample rows", "eye"),
    "contract": ("Contract", "scale"),
    "consume": ("Consume", "download"),
    "download": ("Download", "download"),
    "access": ("Access page", "key-round"),
    "service": ("Service", "plug"),
    "query": ("Query", "terminal"),
    "orders": ("Order", "package"),
    "ingest": ("Send rows", "plus"),
    "documentation": ("Documentation", "book-open"),
    "describedby": ("Described by", "file-code"),
}

# Symbols of documentation by what its type says.
_GUIDES = {
    "notebook": "notebook-text",
    "code": "file-code",
    "implementation": "file-code",
    "policy": "shield-check",
    "video": "eye",
    "definition": "book-open",
    "tutorial": "book-open",
    "guide": "book-open",
    "documentation": "book-open",
}


def members(team: view.Team | None, bounds: Bounds) -> Rows[Member]:
    """The people of a team, those who left last."""
    people = sorted(team.members, key=lambda person: bool(person.date_out)) if team else []
    return bounds.rows(people, _member)


def _member(person: view.Person) -> Member:
    role = (person.role or "") if person.role != person.label else ""
    return Member(
        person.label,
        role,
        moment(person.date_in),
        moment(person.date_out),
        person.description or "",
        person.replaced_by or "",
    )


def support(channels: Sequence[view.SupportChannel], bounds: Bounds) -> Rows[SupportRow]:
    """Where to ask for help."""
    return bounds.rows(channels, _channel)


_CHANNELS = {"email": "mail", "ticket": "tag", "slack": "hash", "teams": "users", "discord": "message-circle"}


def _channel(channel: view.SupportChannel) -> SupportRow:
    url = web_address(channel.url)
    text = "" if url else channel.url or ""
    return SupportRow(
        channel.channel or channel.tool or "Support",
        url,
        text,
        channel.description or "",
        tool=channel.tool if channel.tool and channel.channel and channel.tool != "other" else "",
        scope=channel.scope or "",
        invitation_url=web_address(channel.invitation_url),
        icon=_CHANNELS.get((channel.tool or "").lower(), "mail" if url.startswith("mailto:") else "life-buoy"),
    )


def documentation(
    links: Sequence[view.WebLink], bounds: Bounds, page: Callable[[view.WebLink], str] | None = None
) -> Rows[LinkRow]:
    """Links out of a document, those that are web addresses. `page` gives the address where one is shown here."""
    return bounds.rows(
        (link for link in links if web_address(link.url)),
        lambda link: LinkRow(
            link.description or short_address(link.url),
            web_address(link.url),
            guide_icon(link),
            in_plain_words(link.type),
            page(link) if page else "",
        ),
    )


def in_plain_words(name: str | None) -> str:
    """ "businessDefinition" as "business definition"; what holds a space or an address stays as it is."""
    name = name or ""
    if not name.isalnum() or name.isupper():
        return name
    return "".join(f" {char.lower()}" if char.isupper() and place else char for place, char in enumerate(name)).lower()


def guide_icon(link: view.WebLink) -> str:
    """The symbol that fits a link: by its type's words, else by the name of what it leads to."""
    said = (link.type or "").lower()
    if urlsplit(link.url).path.lower().endswith(".ipynb"):
        return "notebook-text"
    return next((icon for word, icon in _GUIDES.items() if word in said), "external-link")


def term(found: view.Term | None) -> TermRow | None:
    """A license or policy; an address that stands for the text is shortened to what tells it apart."""
    return term_row(found) if found else None


def term_row(found: view.Term) -> TermRow:
    """The same where there is one."""
    url = web_address(found.url)
    return TermRow(short_address(url) if url and found.text == found.url else found.text, url)


def short_address(url: str) -> str:
    """An address without what all have: "creativecommons.org/licenses/by/4.0"."""
    return url.split("://", 1)[-1].removeprefix("www.").rstrip("/")


def artifact(found: view.ArtifactView, url: str, bounds: Bounds) -> ArtifactRow:
    """An artifact; `url` is its page here."""
    return ArtifactRow(
        id=found.id,
        name=found.title or found.name,
        url=url,
        kind=found.kind or "",
        icon=ICONS.get((found.kind or "").lower(), "box"),
        format=found.format or "",
        version=found.version or "",
        updated=moment(found.updated),
        summary=bounds.markdown(found.summary),
        contract_id=found.contract_id or "",
        contract_version=found.contract_version or "",
        deprecated=found.deprecated,
        tags=bounds.texts(found.tags),
        license=term(found.license),
        policies=bounds.rows(found.policies, term_row),
        access=found.access or "",
        documentation=documentation(found.documentation, bounds),
        links=bounds.rows(
            ((rel, web_address(href)) for rel, href in found.links.items() if web_address(href)),
            lambda link: LinkRow(*_link(*link)),
        ),
        inputs=bounds.texts(found.input_contracts),
        custom=named(found.custom, bounds),
    )


def _link(rel: str, url: str) -> tuple[str, str, str]:
    label, icon = LINKS.get(rel, (rel, "external-link"))
    return label, url, icon


def sample(found: view.SampleView) -> Sample:
    """Sample rows of an artifact, as many columns and rows as a page can hold."""
    columns = found.columns[:SAMPLE_COLUMNS]
    rows = found.rows[: min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns)))]
    return Sample(
        columns=[cut(name, CELL_TEXT) for name in columns],
        rows=[[value and cut(value, CELL_TEXT) for value in row[:SAMPLE_COLUMNS]] for row in rows],
        has_more=bool(found.has_more) or len(rows) < len(found.rows),
        more_columns=found.left_out + max(0, len(found.columns) - SAMPLE_COLUMNS),
        updated=moment(found.updated),
    )


_STATE_OF_HEALTH = {"pass": "live", "warn": "slow", "fail": "down"}


def health(found: view.HealthView, bounds: Bounds) -> Health:
    """A health document (application/health+json)."""
    return Health(
        status=found.status or "",
        state=_STATE_OF_HEALTH.get(found.status or "", "unknown"),
        description=found.description or "",
        output=found.output or "",
        notes=bounds.texts(found.notes),
        checks=bounds.rows(
            found.checks, lambda c: CheckRow(c.name, c.status or "", c.value or "", c.output or "", moment(c.time))
        ),
    )


# Metrics of the gateway protocol that a reader of business words wants first.
_HEADLINES = {
    "requests.total": "Questions answered",
    "latencyMs.p95": "95 of 100 within",
    "volume.rows": "Rows",
    "freshness.updated": "Data changed",
}


def figures(found: view.MetricsView) -> list[NameValue]:
    """The few metrics that everybody understands, in words."""
    said = {name: found.value(name) for name in _HEADLINES}
    return [NameValue(_HEADLINES[name], _figure(name, value)) for name, value in said.items() if value]


def _figure(name: str, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return moment(value)
    return f"{number:,.0f}" + (" ms" if name.startswith("latencyMs") else "")


def named(pairs: Sequence[view.NamedValue | view.Metric], bounds: Bounds) -> Rows[NameValue]:
    """Pairs of a name and a value."""
    return bounds.rows(pairs, lambda pair: NameValue(pair.name, pair.value))
