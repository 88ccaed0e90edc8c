"""The page that compares any two contracts: pasted, from a file, or by address."""

from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.accounts.models import User
from marketplace.catalogue.contexts import Notice
from marketplace.catalogue.contract_changes import LABEL, Diff, Judged, diff_from
from marketplace.catalogue.given_contracts_api import seconds_to_wait
from marketplace.catalogue.text import cut
from marketplace.live.addresses import checked_url
from marketplace.live.cache import CacheDownError
from marketplace.live.drift import given
from marketplace.live.drift.given import Answer, Compared, Given, Side
from marketplace.live.errors import FetchError

SIDES = {"before": "Before", "after": "After"}
WAYS = ("url", "text", "file")
_ONE = "Give one of the three: an address, a text or a file."


class PairForm(forms.Form):
    """Two contracts, each by one of three ways."""

    before_url = forms.CharField(label="Address", max_length=2000, required=False)
    before_text = forms.CharField(label="or its text", max_length=given.MAX_TEXT, required=False, strip=False)
    before_file = forms.FileField(label="or a file", required=False)
    after_url = forms.CharField(label="Address", max_length=2000, required=False)
    after_text = forms.CharField(label="or its text", max_length=given.MAX_TEXT, required=False, strip=False)
    after_file = forms.FileField(label="or a file", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, bound in self.fields.items():
            if name.endswith("_text"):
                bound.widget = forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"})
            elif name.endswith("_url"):
                bound.widget = forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"})

    def clean(self) -> dict[str, Any]:
        """Each side is one thing that can be asked or read."""
        said = self.cleaned_data
        for side in SIDES:
            if not any(f"{side}_{way}" in self.errors for way in WAYS):
                said[side] = self._given(side, *(said.get(f"{side}_{way}") for way in WAYS))
        return said

    def _given(self, side: str, url: Any, text: Any, file: Any) -> Given | None:
        typed = text if text and text.strip() else ""
        if sum(map(bool, (url, typed, file))) != 1:
            self.add_error(f"{side}_url", _ONE)
            return None
        try:
            return Given(url=str(checked_url(url))) if url else Given(text=typed or _read(file))
        except FetchError as error:
            self.add_error(f"{side}_url", f"{error.message} {error.advice}")
        except UnicodeDecodeError:
            self.add_error(f"{side}_file", "This file is not a text in UTF-8.")
        return None

    @property
    def sides(self) -> list[dict[str, Any]]:
        """For the template: what each side is called, and its fields."""
        return [{"title": title, "fields": [self[f"{side}_{way}"] for way in WAYS]} for side, title in SIDES.items()]


def _read(file: UploadedFile) -> str:
    if (file.size or 0) > given.MAX_TEXT:
        raise FetchError("too_large", f"This file has more than {given.MAX_TEXT:,} bytes.", "A contract is smaller.")
    return file.read().decode("utf-8-sig")


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Asks for two contracts. `?before=` and `?after=` fill in addresses."""
    initial = {f"{side}_url": request.GET.get(side, "")[:2000] for side in SIDES}
    sent = request.method == "POST"
    form = PairForm(request.POST if sent else None, request.FILES if sent else None, initial=initial)
    status = 200
    if sent:
        status = 422
        if form.is_valid():
            if seconds := seconds_to_wait(request, cast(User, request.user)):
                form.add_error(None, f"Too many comparisons in one minute. Try again in {seconds} seconds.")
                status = 429
            else:
                try:
                    token = given.begin(form.cleaned_data["before"], form.cleaned_data["after"])
                    return redirect("catalogue:given-contracts-found", token=token)
                except CacheDownError:
                    form.add_error(None, "Nothing can be compared right now. Try again in a minute.")
                    status = 503
    return render(request, "catalogue/given_contracts.html", {"form": form}, status=status)


@never_cache
@require_safe
def found(request: HttpRequest, token: str) -> HttpResponse:
    """What lies between the two, for whoever has the address; asked for again until it is there."""
    answer = given.look(token)
    raw = request.GET.get("n", "")
    tries = int(raw) if raw.isdecimal() and len(raw) < 4 else 0
    waiting = answer.state == "waiting"
    only_breaking = request.GET.get("only") == "breaking"
    address = reverse("catalogue:given-contracts-found", args=[token])
    context = {
        "state": answer.state,
        "poll_url": f"{address}?n={tries + 1}" if waiting else "",
        "poll_ms": min(150 + 150 * tries, 2000),
        "notices": _notices(answer),
        "diff": _diff(answer.compared, only_breaking=only_breaking) if answer.state == "done" else None,
        "only_breaking": only_breaking,
        "address": address,
    }
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, "catalogue/_given_contracts.html", context)
    context["form"] = PairForm(initial=_initial(answer)) if request.user.is_authenticated else None
    return render(request, "catalogue/given_contracts.html", context, status=404 if answer.state == "expired" else 200)


def _initial(answer: Answer) -> dict[str, str]:
    return {
        f"{side}_{way}": getattr(value, way)
        for side, value in zip(SIDES, answer.given, strict=True)
        for way in ("url", "text")
    }


def _notices(answer: Answer) -> list[Notice]:
    if answer.problem:
        return [Notice("warn", answer.problem.message, answer.problem.advice)]
    if answer.compared is None:
        return []
    found = []
    for title, side in zip(SIDES.values(), (answer.compared.before, answer.compared.after), strict=True):
        if side.problem:
            found.append(Notice("bad", f"{title}: {side.problem.message}", side.problem.advice))
    if answer.compared.left_out:
        found.append(Notice("info", f"{answer.compared.left_out:,} more changes are not shown.", ""))
    return found


def _diff(compared: Compared | None, *, only_breaking: bool) -> Diff | None:
    if compared is None or compared.bump is None:
        return None
    judged = Judged(compared.level, compared.suggested, compared.bump, compared.counts or {})
    before, after = (_label(side) for side in (compared.before, compared.after))
    if before == after:
        before, after = f"{before} (before)", f"{after} (after)"
    return diff_from(compared.changes, judged, before, after, only_breaking=only_breaking)


def _label(side: Side) -> str:
    return cut(" ".join(filter(None, (side.name or side.id or "Contract", side.version))), LABEL)
