"""What all of the REST API shares: problem documents (RFC 9457) and pages."""

import io
import json
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, parsers, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

PROBLEM = "application/problem+json"
TITLES = {
    400: "The request does not fit",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Wrong method",
    406: "No such representation",
    409: "Changed meanwhile",
    413: "Too large",
    415: "Wrong media type",
    429: "Too many requests",
    500: "Something went wrong here",
}


class TooLargeError(exceptions.APIException):
    """413: the body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class JSONParser(parsers.JSONParser):
    """JSON of bounded length and depth, whose texts are Unicode. `limit` in bytes, where it is not the usual one."""

    limit: int | None = None

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value. Raises TooLargeError, and ParseError for what is not JSON or too deeply nested to be read."""
        limit = self.limit or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        assert limit is not None
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLargeError(f"The body is longer than {limit // 1024} kB. Send less at a time.")
        try:
            value = super().parse(io.BytesIO(body), media_type, parser_context)
            json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise exceptions.ParseError("The JSON is nested too deeply. A few levels are enough.") from error
        except UnicodeEncodeError as error:
            raise exceptions.ParseError(
                "The JSON contains half of a surrogate pair, which is not a character."
            ) from error
        return value


class Pagination(PageNumberPagination):
    """`?page=` and `?page_size=` (25, at most 100)."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error of the API as a problem document.

    `errors` says, by field, what does not fit.
    """
    if isinstance(error, ValidationError):
        detail = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
        error = exceptions.ValidationError(detail)
    if isinstance(error, Http404 | PermissionDenied) and error.args:
        kind = exceptions.NotFound if isinstance(error, Http404) else exceptions.PermissionDenied
        error = kind(str(error.args[0]))
    response = exception_handler(error, context)
    if response is None:
        return None
    code = response.status_code
    body: dict[str, Any] = {"type": "about:blank", "title": TITLES.get(code, "Error"), "status": code}
    if isinstance(error, exceptions.ValidationError):
        body["detail"] = "See errors for what to change."
        body["errors"] = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
    elif isinstance(response.data, dict):
        body["detail"] = str(response.data.get("detail", ""))
    response.data = body
    response.content_type = PROBLEM
    return response


def problem_response(code: int, detail: str) -> JsonResponse:
    """A problem document outside DRF's views."""
    body = {"type": "about:blank", "title": TITLES.get(code, "Error"), "status": code, "detail": detail}
    return JsonResponse(body, status=code, content_type=PROBLEM)


def not_found(request: HttpRequest) -> JsonResponse:
    """The answer below /api/ where no path fits."""
    return problem_response(
        status.HTTP_404_NOT_FOUND, f"There is nothing at {request.path}. The paths are listed at /api/v1/schema/."
    )
