"""`gateway register`: puts a product into a marketplace, or brings what is there up to date."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway.commands.drafting import slug
from gateway.documents import DocumentError
from gateway.product import Product, first, load_product

_TYPES = {"sourcealigned": "source-aligned", "aggregate": "aggregate", "consumeraligned": "consumer-aligned"}
_MOST_TAGS = 12
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def register(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Product folder")],
    marketplace: Annotated[str, typer.Option(envvar="MARKETPLACE_URL", help="Address of the marketplace")],
    url: Annotated[str, typer.Option(envvar="GATEWAY_URL", help="Where clients reach this product's gateway")],
    token: Annotated[str, typer.Option(envvar="MARKETPLACE_TOKEN", help="API token of the marketplace")],
    domain: Annotated[str | None, typer.Option(help="Domain in the marketplace; the ODPS domain when not said")] = None,
    team: Annotated[str | None, typer.Option(help="Slug of the team that shall own it; your own when not said")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Register without publishing")] = False,
) -> None:
    """Register a product, or update what is registered. Doing it again changes nothing. Exit code 1 on a refusal."""
    from gateway.commands.marketplace import Marketplace, MarketplaceError

    if urlsplit(marketplace).scheme == "http" and urlsplit(marketplace).hostname not in _LOOPBACK:
        typer.echo("Warning: http sends the token readable by everybody on the way; use https.", err=True)
    try:
        wanted = registration(load_product(folder), url, domain)
    except DocumentError as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        typer.echo(f"`python -m gateway validate {folder}` says where.", err=True)
        raise typer.Exit(1) from error
    if team:
        wanted["owner"] = team
    there = Marketplace(marketplace, token)
    try:
        for line in bring_up_to_date(there, wanted, publish=not draft):
            typer.echo(line)
    except MarketplaceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        there.close()


def registration(product: Product, url: str, domain: str | None = None) -> dict[str, Any]:
    """What is registered of a product: a title, a summary, names and one link. The rest is asked of its gateway.

    Args:
        url: the gateway's base, or its `/discover`.

    Raises:
        DocumentError: something that a registration needs is not said in the ODPS document.
    """
    odps = product.odps.content
    missing = unsaid(odps, domain)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        missing.append(f"the gateway's address '{url[:200]}' is no http or https address")
    if missing:
        raise DocumentError([f"{product.odps.path.name}: {text}" for text in missing])
    base = url.rstrip("/").removesuffix("/discover")
    every = [entry.artifact.access_rights for entry in product.artifacts.values()]
    found: dict[str, Any] = {
        "domain": slug(domain or odps["domain"]),
        "name": slug(odps["name"]),
        "title": first("title", odps) or odps["name"],
        "summary": _summary(odps),
        "access_mode": "open" if every and all(rights == "open" for rights in every) else "on_request",
        "tags": [str(tag) for tag in odps.get("tags") or []][:_MOST_TAGS],
        "links": [{"rel": "discovery", "url": f"{base}/discover", "media_type": "application/json", "title": ""}],
    }
    kind = _TYPES.get(str(odps.get("type") or "").replace("-", "").replace("_", "").lower())
    return found | ({"type": kind} if kind else {})


def unsaid(odps: dict[str, Any], domain: str | None = None) -> list[str]:
    """What a registration needs and an ODPS document does not say: the field, and what it is for.

    Args:
        domain: the domain in the marketplace, where the document need not say one.
    """
    needed = (
        (
            slug(odps.get("name") or ""),
            "name: needs letters a to z or digits; it becomes part of the product's address",
        ),
        (slug(domain or odps.get("domain") or ""), "domain: say it there, or with --domain"),
        (_summary(odps), "description.purpose: two sentences that say what this is"),
    )
    return [text for value, text in needed if not value]


def _summary(odps: dict[str, Any]) -> str:
    return first("summary", odps) or str((odps.get("description") or {}).get("purpose") or "").strip()


def bring_up_to_date(there: Any, wanted: dict[str, Any], *, publish: bool) -> list[str]:
    """Create or change the product, then publish it. Two to four requests.

    Args:
        there: a Marketplace.

    Returns:
        What was done, one sentence each.

    Raises:
        MarketplaceError: the marketplace refuses.
    """
    done = []
    product = there.find(wanted["domain"], wanted["name"])
    if product is None:
        product = there.create(wanted)
        done.append(f"registered {product['urn']}")
    else:
        changes = _changes(product, wanted)
        if changes:
            product = there.change(product["uuid"], {**changes, "revision": product["revision"]})
            done.append(f"updated {product['urn']}: {', '.join(changes)}")
        else:
            done.append(f"{product['urn']} is up to date")
    if publish and product["lifecycle"] == "draft":
        product = there.publish(product["uuid"])
        done.append("published")
    return [*done, f"{product['lifecycle']}: {product['url']}"]


def _changes(product: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What is registered otherwise than wanted. Links of other relations are kept; the owner is not changed."""
    changes: dict[str, Any] = {
        key: wanted[key]
        for key in ("title", "summary", "type", "access_mode")
        if key in wanted and product.get(key) != wanted[key]
    }
    if {slug(tag) for tag in wanted["tags"]} != set(product.get("tags") or []):
        changes["tags"] = wanted["tags"]
    old = product.get("links") or []
    if not any(link.get("rel") == "discovery" and link.get("url") == wanted["links"][0]["url"] for link in old):
        changes["links"] = wanted["links"] + [link for link in old if link.get("rel") != "discovery"]
    return changes
