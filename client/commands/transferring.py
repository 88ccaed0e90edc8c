"""`mesh transfer`."""

from typing import Annotated

import typer

from client.commands.finding import Address
from client.commands.output import AsJson, Url, marketplace, print_json, say, tell
from client.models import Offer

transfer = typer.Typer(help="Give products to other teams.", no_args_is_help=True)


@transfer.command("offer")
def offer(
    address: Address,
    team: Annotated[str, typer.Argument(help="Slug of the team that is to have it.")],
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Give it to another team. It stays yours until that team accepts, unless you are in both or an administrator."""
    with marketplace(url) as there:
        found = there.transfer(address, team)
    if as_json:
        print_json({"given": not isinstance(found, Offer), **({"offer": found} if isinstance(found, Offer) else {})})
    elif isinstance(found, Offer):
        say(f"{found.urn} is offered to {found.team}.")
    else:
        say(f"{found.urn} belongs to {found.owner} now.")


@transfer.command("list")
def list_offers(url: Url = "", as_json: AsJson = False) -> None:
    """What is offered to your teams, and by them."""
    with marketplace(url) as there:
        found = there.offers()
    if as_json:
        print_json({"offers": found})
        return
    for each in found:
        say(f"{each.urn}\n    {each.title}, from {each.owner} to {each.team}")
    tell(f"{len(found)} offered.")


@transfer.command("accept")
def accept(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Take what is offered to a team of yours."""
    with marketplace(url) as there:
        product = there.accept(address)
    if as_json:
        print_json(product)
    else:
        say(f"{product.urn} belongs to {product.owner} now.")


@transfer.command("end")
def end(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Take an offer back, or decline it."""
    with marketplace(url) as there:
        there.end_offer(address)
    if as_json:
        print_json({"ended": True})
    else:
        say("The offer is ended; the product stays where it is.")
