"""`mesh lifecycle`, `mesh undo`."""

from typing import Annotated

import typer

from client.commands.finding import Address
from client.commands.output import AsJson, Url, marketplace, print_json, say
from client.models import Product

lifecycle = typer.Typer(help="Steps of a product's lifecycle.", no_args_is_help=True)


def _move(verb: str, address: str, url: str, as_json: bool, **said: str) -> None:
    with marketplace(url) as there:
        product = there.lifecycle(address, verb, **{key: value for key, value in said.items() if value})
    _tell(product, as_json)


def _tell(product: Product, as_json: bool) -> None:
    if as_json:
        print_json(product)
    else:
        say(f"{product.urn} is {product.lifecycle}.")


@lifecycle.command("publish")
def publish_draft(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """List a draft, so that everybody finds it."""
    _move("publish", address, url, as_json)


@lifecycle.command()
def pause(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Ask not to use it for now; it stays listed."""
    _move("pause", address, url, as_json)


@lifecycle.command()
def resume(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """End a pause."""
    _move("resume", address, url, as_json)


@lifecycle.command()
def deprecate(
    address: Address,
    successor: Annotated[str, typer.Option(help="URN of the listed product that follows it.")] = "",
    retires_on: Annotated[str, typer.Option("--on", "--retires-on", help="The day it goes, like 2030-01-31.")] = "",
    message: Annotated[str, typer.Option(help="For those who use it.")] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Say that it will go; it stays listed."""
    _move("deprecate", address, url, as_json, successor=successor, retires_on=retires_on, message=message)


@lifecycle.command()
def retire(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Take a deprecated product out of every list; its address stays taken."""
    _move("retire", address, url, as_json)


def undo(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Take the last pause, deprecation, retirement or change back; within a minute, while nobody changed it since."""
    with marketplace(url) as there:
        product = there.undo(address)
    _tell(product, as_json)
