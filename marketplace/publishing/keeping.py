"""A form that arrives after its session ended is kept until the person has signed in, and shown again then."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict

from marketplace.accounts.origin import client_address
from marketplace.live import limits

KEY = "kept_form"
LONGEST = 60_000  # characters; the longest form that the registry would take is shorter
SECONDS = 3600
A_MINUTE = 10  # forms of one address that are kept: each is a session in the database

View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """As login_required, but what was sent is not lost: it waits in the visitor's session."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.method == "POST":
            typed = request.POST.copy()
            typed.pop("csrfmiddlewaretoken", None)
            sent = typed.urlencode()
            if len(sent) <= LONGEST and not _too_many(request):
                request.session[KEY] = {"path": request.get_full_path(), "sent": sent, "at": time.time()}
        return redirect_to_login(request.get_full_path())

    return wrapped


def _too_many(request: HttpRequest) -> bool:
    return limits.seconds_to_wait((f"address:{client_address(request)}",), "kept-forms", A_MINUTE) > 0


def take(request: HttpRequest) -> QueryDict | None:
    """What was sent to this address before the person signed in, once. None where nothing was."""
    kept = request.session.get(KEY)
    if request.method != "GET" or not kept or kept["path"] != request.get_full_path():
        return None
    del request.session[KEY]
    if time.time() - kept["at"] > SECONDS:
        return None
    return QueryDict(kept["sent"])
