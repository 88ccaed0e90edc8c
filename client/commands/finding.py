"""`mesh search`, `mesh show`, `mesh resolve`."""

from typing import Annotated

import typer

from client.commands.output import AsJson, Url, marketplace, print_json, say, tell

Address = Annotated[str, typer.Argument(help="domain/name, or urn:dp:domain:name")]


def search(
    question: Annotated[str, typer.Argument(help='In plain words; "phrases", -words and domain:slug work too.')],
    domain: Annotated[str, typer.Option(help="Slug of a domain; those below are taken in.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Slug of a tag; several must all be there.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 10,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Find data products, best first."""
    filters = {"domain": domain, "tag": tag or []}
    with marketplace(url) as there:
        found = there.search(question, limit=limit, **{key: value for key, value in filters.items() if value})
    if as_json:
        print_json(found)
        return
    for note in found.notes:
        tell(note)
    for hit in found.hits:
        state = "" if hit.lifecycle == "published" else f" [{hit.lifecycle}]"
        say(f"{hit.urn}{state}\n    {hit.title}, {hit.owner}\n    {' '.join(hit.reasons)}")
    tell(f"{len(found.hits)} of {found.count}")


def show(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Show what is registered of a product."""
    with marketplace(url) as there:
        product = there.product(address)
    if as_json:
        print_json(product)
        return
    say(f"{product.title}\n{product.urn}\n\n{product.summary}\n")
    facts = {
        "lifecycle": product.lifecycle,
        "access": product.access_mode,
        "type": product.type,
        "owner": product.owner,
        "tags": ", ".join(product.tags),
        "page": product.url,
    }
    for name, value in facts.items():
        if value:
            say(f"{name:<14}{value}")
    for link in product.links:
        say(f"{link.rel:<14}{link.url}")


def resolve(
    address: Address,
    rel: Annotated[str, typer.Option(help="Print the first address of this relation only, like discovery.")] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Where a product answers: the mesh's DNS. Status 1 where it answers nowhere."""
    with marketplace(url) as there:
        found = there.resolve(address)
    links = [link for link in found.links if rel in ("", link.rel)]
    if rel and not links:
        tell(f"{found.urn} has no link of the relation {rel}.")
        raise typer.Exit(1)
    if as_json:
        print_json(links[0] if rel else found)
    elif rel:
        say(links[0].url)
    else:
        for link in links:
            say(f"{link.rel:<14}{link.url}")
