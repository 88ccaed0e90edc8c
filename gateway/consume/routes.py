"""The addresses of consume."""

from starlette.routing import Route

from gateway.consume import orders
from gateway.consume.download import download
from gateway.consume.query import query


def routes() -> list[Route]:
    """Download, query, orders."""
    return [
        Route("/consume/{id}", download),
        Route("/consume/{id}/query", query, methods=["POST"]),
        Route("/consume/{id}/orders", orders.place, methods=["POST"]),
        Route("/consume/{id}/orders/{order}", orders.order, methods=["GET", "DELETE"]),
        Route("/consume/{id}/orders/{order}/result", orders.result, methods=["GET"]),
    ]
