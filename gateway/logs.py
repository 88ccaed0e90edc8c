"""Logs for machines: one JSON object a line on standard error.

Neither queries nor headers nor bodies are ever logged, since they may hold what is secret.
"""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_requests = logging.getLogger("gateway.requests")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: `time`, `level`, `logger`, `message`, what was given as `extra={"facts": …}`, and
    the stack trace of an error as `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_config(level: str = "info", *, text: bool = False) -> dict[str, Any]:
    """A `logging.config` dictionary for the whole process.

    Args:
        text: lines for people instead of JSON.
    """
    form: dict[str, Any] = {"format": "%(levelname)-8s %(message)s"} if text else {"()": JsonFormatter}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": form},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
    }


class RequestLog:
    """ASGI middleware: one line for each request, with method, path, status and milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watching)
        finally:
            facts = {
                "method": scope["method"],
                "path": scope["path"][:300],
                "status": status,
                "milliseconds": round((time.perf_counter() - begun) * 1000, 2),
            }
            _requests.info("%s %s %s", facts["method"], facts["path"], status, extra={"facts": facts})
