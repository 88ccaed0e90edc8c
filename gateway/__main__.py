"""`python -m gateway`: serve or check a product folder."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from gateway.app import create_app
from gateway.commands.checking import check
from gateway.commands.initialising import init
from gateway.commands.registering import register
from gateway.commands.validating import validate
from gateway.documents import DocumentError
from gateway.logs import RequestLog, log_config
from gateway.many import create_many, product_folders
from gateway.openapi import openapi as openapi_text
from gateway.state import State

cli = typer.Typer(help="The gateway of a data product.", no_args_is_help=True, add_completion=False)
cli.command()(init)
cli.command()(check)
cli.command()(validate)
cli.command()(register)
Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with product.odps.yaml")]


def _refuse(folder: Path, error: DocumentError) -> typer.Exit:
    typer.echo(f"{folder} cannot be served:", err=True)
    for problem in error.problems:
        typer.echo(f"  {problem}", err=True)
    return typer.Exit(1)


@cli.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on")] = 8100,
    base_url: Annotated[str | None, typer.Option(help="Where clients reach it, for absolute links")] = None,
    delay: Annotated[float, typer.Option(min=0, max=60, help="Seconds to wait before each answer")] = 0.0,
    state: Annotated[Path | None, typer.Option(file_okay=False, help="Directory to remember things in")] = None,
    log_format: Annotated[str, typer.Option(help="'json' lines, or 'text' for people")] = "json",
    log_requests: Annotated[bool, typer.Option("--log-requests", help="A line for each request")] = False,
) -> None:
    """Serve a product folder, or all those in a folder under /<domain>/<name>, over HTTP until stopped.

    SIGTERM lets requests under way end, for 10 s at most."""
    try:
        if product_folders(folder) == [folder]:
            app = create_app(folder, base_url=base_url, delay=delay, state=State.beside(folder, state))
        else:
            app = create_many(folder, base_url=base_url, delay=delay, state=state)
            for product in app.state.broken:
                typer.echo(f"{product.folder} is not served:", err=True)
                for problem in product.problems:
                    typer.echo(f"  {problem}", err=True)
    except DocumentError as error:
        raise _refuse(folder, error) from error
    uvicorn.run(
        RequestLog(app) if log_requests else app,
        host=host,
        port=port,
        log_config=log_config(text=log_format == "text"),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


@cli.command()
def protocol(
    write: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Put it into this page")] = None,
) -> None:
    """Print the generated part of docs/gateway-protocol.md, or bring the page up to date."""
    from gateway.commands.documenting import protocol_text, put_into

    if write is None:
        typer.echo(protocol_text(), nl=False)
    else:
        put_into(write)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI description of a gateway."""
    typer.echo(openapi_text())


if __name__ == "__main__":
    cli()
