"""/healthz says that the process answers, /readyz that what it needs does."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing."""
    return JsonResponse({"status": "pass"})


def readyz(request: HttpRequest) -> JsonResponse:
    """PostgreSQL answers, or 503. A lost Redis is a warning, since browsing and searching go on. Two short calls."""
    checks = {"postgresql": _postgresql(), "redis": _redis()}
    if checks["postgresql"] != "pass":
        return JsonResponse({"status": "fail", "checks": checks}, status=503)
    return JsonResponse({"status": "pass" if checks["redis"] == "pass" else "warn", "checks": checks})


def _postgresql() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "fail"
    return "pass"


def _redis() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.3, socket_timeout=0.3)
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return "fail"
    finally:
        client.close()
    return "pass"
