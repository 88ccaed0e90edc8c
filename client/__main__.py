"""The command `mesh`: a marketplace from the command line."""

import typer

from client.commands import finding, publishing, signing_in

cli = typer.Typer(help="A data mesh marketplace from the command line.", no_args_is_help=True, add_completion=False)
cli.command()(signing_in.login)
cli.command()(signing_in.whoami)
cli.command()(finding.search)
cli.command()(finding.show)
cli.command()(finding.resolve)
cli.command()(publishing.publish)
cli.add_typer(publishing.lifecycle, name="lifecycle")

if __name__ == "__main__":
    cli()
