"""The living style guide at /styleguide/: every pattern of the interface with sample content, no database."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class SampleForm(forms.Form):
    """One field of each kind, so that labels, help and errors are seen."""

    title = forms.CharField(
        label="Title", help_text="What a person who has never seen it would call it.", max_length=120
    )
    summary = forms.CharField(
        label="Summary",
        help_text="Two or three sentences: what is in it, for whom, since when.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    domain = forms.ChoiceField(
        label="Domain", choices=[("", "Choose a domain"), ("climate/precipitation", "Climate / Precipitation")]
    )
    access = forms.ChoiceField(
        label="Who may use it",
        widget=forms.RadioSelect,
        choices=[("open", "Open: anyone, at once"), ("on_request", "On request: you decide")],
    )
    notify = forms.BooleanField(label="Tell me when somebody asks for access", required=False)


def _tile(**changes: Any) -> dict[str, Any]:
    tile: dict[str, Any] = {
        "title": "Global precipitation",
        "url": "#tile",
        "domain_path": "Climate / Precipitation",
        "summary": "Daily rain and snowfall on land since 1950, in millimetres, put together from the national "
        "networks of the United States and France and checked every night against their contracts.",
        "type_label": "Consumer-aligned",
        "access_label": "Open",
        "state": "live",
        "latency_ms": 84,
        "tags": ["rainfall", "daily"],
    }
    return tile | changes


def samples() -> dict[str, Any]:
    """Context of the style guide: one sample for each component, in the shape its template documents."""
    bound = SampleForm({"title": "", "summary": "Rain", "domain": "", "access": "open"})
    why = [
        {"segments": [{"text": "close in meaning to ", "match": False}, {"text": "rain", "match": True}]},
        {"segments": [{"text": "title matches ", "match": False}, {"text": "precipitation", "match": True}]},
    ]
    title_segments = [{"text": "Global ", "match": False}, {"text": "precipitation", "match": True}]
    return {
        "now": datetime.now(UTC),
        "form": SampleForm(),
        "bad_form": bound,
        "tiles": [
            _tile(),
            _tile(
                title="New York City air quality",
                domain_path="Climate / Air quality",
                state="slow",
                latency_ms=1840,
                summary="Pollutants in the air of New York City by neighbourhood and season.",
                access_label="On request",
            ),
            _tile(
                title="Flood depth for buildings",
                domain_path="Risk / Flood",
                state="down",
                latency_ms=None,
                tags=["flood"],
                summary="Expected water depth at each building for floods of 10 to 500 years, in metres.",
            ),
            _tile(
                title="Wildfire perimeters",
                domain_path="Climate / Wildfire",
                state="unknown",
                latency_ms=None,
                tags=[],
                summary="Outlines of burnt areas since 1984.",
                type_label="Source-aligned",
            ),
        ],
        "result": _tile(why=why, title_segments=title_segments),
        "states": [
            {"state": "live", "latency_ms": 84, "age": "just now"},
            {"state": "slow", "latency_ms": 1840, "age": "4 s ago"},
            {"state": "down", "age": "since 14:02"},
            {"state": "unknown"},
            {"state": "last_seen", "age": "3 h ago"},
            {"state": "loading", "age": "asked 1.2 s ago, waiting"},
            {"state": "never"},
        ],
        "notices": [
            {
                "tone": "info",
                "text": "This product has no gateway. Its descriptor is read from the link its owner gave.",
            },
            {
                "tone": "good",
                "text": "Published. It can be found from now on.",
                "action_label": "See the page",
                "action_url": "#",
            },
            {
                "tone": "warn",
                "text": "The product answers slowly: 1.8 s.",
                "advice": "You can go on reading; parts appear as they arrive.",
            },
            {
                "tone": "bad",
                "text": "https://example.org/discover did not answer within 3 s.",
                "advice": "Check that the address is right and reachable from here, then try again. "
                "What you typed is kept.",
            },
        ],
        "empty": {
            "title": "Nothing in this domain yet",
            "text": "Products published under Wind will be listed here. Yours could be the first: paste a link and "
            "check four things.",
            "actions": [{"label": "Publish a product", "url": "#"}, {"label": "Browse all domains", "url": "#"}],
        },
        "facets": [
            {
                "name": "domain",
                "label": "Domain",
                "options": [
                    {"label": "Precipitation", "count": 12, "url": "#", "active": True},
                    {"label": "Flood", "count": 7, "url": "#", "active": False},
                    {"label": "Physical risk", "count": 4, "url": "#", "active": False},
                ],
            },
            {
                "name": "access",
                "label": "Access",
                "options": [
                    {"label": "Open", "count": 18, "url": "#", "active": False},
                    {"label": "On request", "count": 5, "url": "#", "active": False},
                ],
            },
        ],
        "crumbs": [{"title": "Climate", "url": "#"}, {"title": "Precipitation", "url": "#"}],
        "steps": [
            {"title": "Link", "state": "done"},
            {"title": "Check", "state": "current"},
            {"title": "Published", "state": "todo"},
        ],
        "sections": [
            {"id": "type", "title": "Type"},
            {"id": "states", "title": "States"},
            {"id": "tiles", "title": "Tiles"},
            {"id": "controls", "title": "Controls"},
            {"id": "forms", "title": "Forms"},
            {"id": "messages", "title": "Messages"},
            {"id": "data", "title": "Data"},
            {"id": "told", "title": "What happened"},
            {"id": "loading", "title": "Loading"},
        ],
        "follow": {"url": "#", "following": True, "title": "Global precipitation"},
        "follow_visitor": {"title": "Global precipitation", "sign_in_url": "#"},
        "sides": [
            {"label": "What you use", "url": "#", "current": True},
            {"label": "What you publish", "url": "#", "current": False},
        ],
        "told": [
            {
                "title": "Historic floods",
                "url": "#",
                "label": "Deprecated",
                "icon": "triangle-alert",
                "detail": "to be retired on 2027-06-30",
                "when": datetime.now(UTC),
                "unread": True,
            },
            {
                "title": "Global precipitation",
                "url": "#",
                "label": "Contract changed",
                "icon": "scale",
                "detail": "monthly-mm 1.4.0 to 2.0.0: 1 breaking change",
                "earlier": "paused, resumed",
                "when": datetime.now(UTC),
            },
        ],
        "kv": [
            {"name": "URN", "value": "urn:dp:climate/precipitation:global-precipitation", "mono": True},
            {"name": "Owner", "value": "Climate Quantum, Hydrology", "url": "#"},
            {"name": "Updated", "value": "2 h ago"},
        ],
        "columns": [{"label": "Column"}, {"label": "Type"}, {"label": "Rule"}, {"label": "Missing", "num": True}],
        "rows": [
            [
                {"value": name, "mono": True},
                {"value": kind, "label": "Type"},
                {"value": rule, "label": "Rule"},
                {"value": missing, "label": "Missing", "num": True},
            ]
            for name, kind, rule, missing in [
                ("UniqueID", "integer", "not null, at least 100 000", "0"),
                ("DataValue", "number", "between 0 and 500", "1 204"),
                ("GeoPlaceName", "string", "", "16"),
                ("StartDate", "date", "not null", "0"),
            ]
        ],
        "code": "curl -s http://127.0.0.1:8104/discover/metadata | python3 -m json.tool",
        "page_info": {"previous_url": "#p1", "next_url": "#p3", "number": 2},
    }


def view(request: HttpRequest) -> HttpResponse:
    """Render the style guide. No queries, no network."""
    return render(request, "styleguide.html", samples())
