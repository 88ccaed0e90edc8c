"""The command `mesh`: a marketplace from the command line."""

import typer

from client.commands import catalogues, contracts, finding, following, lifecycle, publishing, signing_in, transferring

cli = typer.Typer(help="A data mesh marketplace from the command line.", no_args_is_help=True, add_completion=False)
cli.command()(signing_in.login)
cli.command()(signing_in.whoami)
cli.command()(finding.search)
cli.command()(finding.show)
cli.command()(finding.resolve)
cli.command()(publishing.publish)
cli.command()(catalogues.catalogue)
cli.command()(catalogues.check)
cli.command()(lifecycle.undo)
cli.command()(following.events)
cli.command()(contracts.diff)
cli.add_typer(lifecycle.lifecycle, name="lifecycle")
cli.add_typer(transferring.transfer, name="transfer")

if __name__ == "__main__":
    cli()
