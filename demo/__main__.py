"""`python -m demo serve`: run the gateways of the demo mesh. `python -m demo list`: where they will be."""

import argparse
import asyncio
import sys
from functools import partial

from demo.loading import MeshError, load_mesh
from demo.serve import ServeError, base_port_from_environment, host_from_environment, serve
from gateway.documents import DocumentError


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 after an ordinary stop, 1 when something has to be put right first."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The demo mesh Climate Quantum.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run all gateways until stopped; ports follow DEMO_GATEWAY_PORT (default 8100)")
    commands.add_parser("list", help="print the discovery address of each product")
    chosen = parser.parse_args(arguments)
    try:
        mesh, base_port = load_mesh(), base_port_from_environment()
        if chosen.command == "list":
            for product in mesh.products:
                print(f"{product.discovery_url(base_port)}  {product.domain}/{product.name}  {product.behaviour}")
        else:
            asyncio.run(serve(mesh, base_port, host_from_environment(), partial(print, flush=True)))
    except (MeshError, ServeError, OSError) as error:
        print(f"demo gateways: {error}", file=sys.stderr)
        return 1
    except DocumentError as error:
        print("demo gateways: a product folder cannot be served:", *error.problems, sep="\n  ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
