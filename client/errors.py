"""What goes wrong, in the marketplace's own words."""

from collections.abc import Mapping, Sequence
from typing import Any


class MarketplaceError(Exception):
    """The marketplace did not do what was asked; the text says why, for people."""


class UnreachableError(MarketplaceError):
    """No answer, or none of a marketplace's: a broken connection, a time that ran out, another service."""


class RefusedError(MarketplaceError):
    """A problem document: `status`, and `errors` by field where something of the request does not fit."""

    def __init__(
        self, status: int, text: str, errors: Mapping[str, Sequence[str]] | None = None, *, retry_after: float = 0
    ) -> None:
        super().__init__(text)
        self.status = status
        self.errors = dict(errors or {})
        self.retry_after = retry_after  # seconds


class NotSignedInError(RefusedError):
    """401: no token, or one that does not work."""


class NotFoundError(RefusedError):
    """404 or 410: nothing there, or nothing any more."""


def refusal(status: int, body: Any, retry_after: float) -> RefusedError:
    """The exception for an answer of 400 and above."""
    problem = body if isinstance(body, dict) else {}
    errors = {str(key): texts(value) for key, value in _mapping(problem.get("errors")).items()}
    said = [str(problem.get("detail") or problem.get("title") or f"The marketplace answers {status}.")]
    if errors:
        said = [
            f"{key}: {text}" if key != "non_field_errors" else text for key, each in errors.items() for text in each
        ]
    kind = {401: NotSignedInError, 404: NotFoundError, 410: NotFoundError}.get(status, RefusedError)
    return kind(status, "\n".join(said), errors, retry_after=retry_after)


def texts(value: Any) -> list[str]:
    """What nested errors say, as sentences."""
    if isinstance(value, dict):
        return [f"{key}: {text}" for key, inner in value.items() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [str(value)]


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
