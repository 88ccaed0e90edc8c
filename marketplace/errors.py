"""What people and programs see when something breaks here: no stack trace, and what to do."""

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from marketplace.api import problem_response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 where the body is too long. A problem document below /api/. No query."""
    code, detail = 400, "The request cannot be read: part of it is malformed."
    if isinstance(exception, RequestDataTooBig):
        limit = getattr(exception, "limit", settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) // 1024
        code, detail = 413, f"The request is longer than {limit} kB. Send less at a time."
    if request.path.startswith("/api/"):
        return problem_response(code, detail)
    # Without the request: what is wrong with it may be what the page would ask of it.
    page = loader.render_to_string("400.html", {"code": code, "detail": detail})
    return HttpResponse(page, status=code)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where it is the database that does not answer. A problem document below /api/. No query."""
    lost = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    if request.path.startswith("/api/"):
        detail = (
            "The database does not answer. Try again in a minute."
            if lost
            else "The fault is ours and was logged. Try again; if it stays, tell the operator the time and the address."
        )
        return problem_response(503 if lost else 500, detail)
    if lost:
        # Without the request, since asking who is signed in would ask the database.
        page = loader.render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": "60"})
    return defaults.server_error(request)
