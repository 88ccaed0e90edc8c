"""The few calls of the marketplace's REST API that registering a product needs. docs/api.md describes them."""

from typing import Any

import httpx2

MAX_PAGES = 50
MAX_BODY = 4_000_000


class MarketplaceError(Exception):
    """The marketplace did not do what was asked; the text says why, for people."""


class Marketplace:
    """A marketplace at an address, as the person of a token. The token goes nowhere else: redirects are not followed.

    Each method costs one request of at most 30 s (`find` up to 50) and raises MarketplaceError.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/").removesuffix("/api/v1")
        headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
        self._client = httpx2.Client(timeout=30, headers=headers, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def find(self, domain: str, name: str) -> dict[str, Any] | None:
        """The product at this address, own drafts included; None when there is none."""
        for page in range(1, MAX_PAGES + 1):
            found = self._ask("GET", f"products/?domain={domain}&name={name}&page_size=100&page={page}")
            for product in found.get("results", []):
                if (product.get("domain"), product.get("name")) == (domain, name):
                    return dict(product)
            if not found.get("next"):
                return None
        raise MarketplaceError(f"domain {domain} has more products than can be looked through for {name}")

    def create(self, data: dict[str, Any]) -> dict[str, Any]:
        """Register a draft."""
        return self._ask("POST", "products/", data)

    def change(self, uuid: str, data: dict[str, Any]) -> dict[str, Any]:
        """Change a product; `data` holds the revision that was read."""
        return self._ask("PATCH", f"products/{uuid}/", data)

    def publish(self, uuid: str) -> dict[str, Any]:
        """List a draft, so that everybody finds it."""
        return self._ask("POST", f"products/{uuid}/publish/")

    def _ask(self, method: str, path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}"
        try:
            answer = self._client.request(method, url, json=data)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise MarketplaceError(f"{self.url} does not answer: {str(error)[:200] or type(error).__name__}") from error
        try:
            content = answer.json() if len(answer.content) <= MAX_BODY else None
        except (ValueError, RecursionError):
            content = None
        if answer.status_code >= 300:
            raise MarketplaceError(_reason(answer.status_code, content, self.url))
        if not isinstance(content, dict):
            raise MarketplaceError(f"{url} answers {answer.status_code} without JSON: it is not a marketplace's API")
        return content


def _reason(status: int, content: Any, url: str) -> str:
    """A refusal in words: what it says of itself, and what to do."""
    problem = content if isinstance(content, dict) else {}
    said = str(problem.get("detail") or problem.get("title") or "")
    errors = problem.get("errors")
    if isinstance(errors, dict):
        said += "".join(f"\n  {key}: {_words(value)}" for key, value in errors.items())
    advice = {
        301: "Use the address it redirects to.",
        302: "Use the address it redirects to.",
        308: "Use the address it redirects to.",
        401: "Make a token at /accounts/tokens/ and give it with --token or MARKETPLACE_TOKEN.",
        403: "The token's person is not in the team that owns this product.",
        404: f"Is {url} a marketplace?",
        409: "Somebody changed it meanwhile; run the command again.",
    }.get(status, "")
    return f"the marketplace refuses ({status}): {said or 'it does not say why'} {advice}".strip()


def _words(value: Any) -> str:
    return " ".join(_words(each) for each in value) if isinstance(value, list) else str(value)[:300]
