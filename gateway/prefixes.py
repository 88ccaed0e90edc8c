"""Which of many applications a path belongs to: one look into a dictionary, however many there are."""

from collections.abc import Mapping
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send


class ByPrefix:
    """ASGI application of applications by path prefix, each of one or two segments: `/domain/name` or `/name`."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self.apps = {unquote(prefix): app for prefix, app in apps.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises HTTPException 404 where no application has the prefix."""
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        parts = path.split("/", 3)
        for count in (3, 2):
            prefix = "/".join(parts[:count])
            app = self.apps.get(prefix) if len(parts) >= count else None
            if app is not None:
                inner = {**scope, "root_path": root + prefix, "app_root_path": scope.get("app_root_path", root)}
                await app(inner, receive, send)
                return
        raise HTTPException(404)
