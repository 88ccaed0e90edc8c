"""What a producer types, and nothing that a document already says."""

import json
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.accounts import queries as people
from marketplace.accounts.models import Team, User
from marketplace.publishing import glossary
from registry.models import SUMMARY_LIMIT, AccessMode, Domain, Link, PortEdge, Product, ProductType, Rel
from registry.services import LINK_LIMIT, LinkData, PortData, ProductData
from registry.text import name_from, plain_text

PORT_LIMIT = 200
PORT_KEYS = ("direction", "port", "contract_id", "contract_version")


class LinkForm(forms.Form):
    """The one field of the first step."""

    url = forms.CharField(
        label="Link to your product",
        max_length=2000,
        # Not type=url: the browser would refuse an address without a scheme, which is added here.
        widget=forms.TextInput(
            attrs={"placeholder": "https://…", "autofocus": True, "autocomplete": "url", "inputmode": "url"}
        ),
        error_messages={"required": "Paste a link: the address of your gateway, or of an ODPS or ODCS document."},
    )

    def clean_url(self) -> str:
        """A link with its scheme: where none was typed https, or http for an address with a port of its own."""
        url = str(self.cleaned_data["url"]).strip()
        if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", url, re.I):
            return url
        return f"http://{url}" if re.match(r"[^/]+:\d+(/|$)", url) else f"https://{url}"


class RegisteredLinkForm(forms.Form):
    """One row of the links."""

    rel = forms.ChoiceField(label="Relation", choices=Rel.choices)
    url = forms.CharField(label="Address", max_length=2000, required=False, widget=forms.URLInput())
    media_type = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput())


LinkFormSet = forms.formset_factory(RegisteredLinkForm, extra=1, max_num=LINK_LIMIT, absolute_max=LINK_LIMIT + 1)


PORTS_CHANGED = "The ports of this form were changed. Inspect the link again."


def _port(entry: Any) -> PortData:
    """One entry of the hidden field. Raises ValidationError for what no inspection gives."""
    values = [entry.get(key, "") for key in PORT_KEYS] if isinstance(entry, dict) else []
    if not values or not all(isinstance(value, str) for value in values):
        raise ValidationError(PORTS_CHANGED)
    if values[0] not in PortEdge.Direction.values or not all(value.isprintable() for value in values):
        raise ValidationError(PORTS_CHANGED)
    return PortData(*values)


class ProductForm(forms.Form):
    """The entry of the registry. The address (domain and name) of a registered product is fixed."""

    title = forms.CharField(max_length=140, help_text="In business words, as it should stand on the tile.")
    summary = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Two or three sentences: what it holds, for where and when, what it is good for. "
        "People search by these words.",
        error_messages={"required": "Write two or three sentences: people find your product by them."},
    )
    domain = forms.ModelChoiceField(Domain.objects.all(), to_field_name="slug", empty_label="Choose a domain")
    tags = forms.CharField(required=False, max_length=600, help_text="Comma-separated, like rain, daily, stations.")
    new_tags = forms.BooleanField(label="Add the new words to the glossary", required=False)
    access_mode = forms.ChoiceField(
        label="Access",
        choices=AccessMode.choices,
        initial=AccessMode.ON_REQUEST,
        help_text="Open: anybody may use it now. On request: you decide who.",
    )
    type = forms.ChoiceField(label="Type", choices=[("", "Not said"), *ProductType.choices], required=False)
    name = forms.CharField(
        label="Name in its address",
        max_length=63,
        required=False,
        help_text="Small letters, digits and hyphens; made from the title where left empty.",
    )
    owner = forms.ModelChoiceField(Team.objects.none(), label="Team", to_field_name="slug", required=False)
    # JSON, parsed in clean_ports: what came back wrong is shown again as it came.
    ports = forms.CharField(required=False, max_length=100_000, widget=forms.HiddenInput())
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, user: User, product: Product | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.product = product
        self.unknown_tags: list[glossary.UnknownWord] = []
        teams = people.teams_of(user)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = teams
        owner.initial = owner.initial or teams.first()
        if product is not None or len(teams) < 2:
            del self.fields["owner"]
        if product is not None:
            self.fields["domain"].disabled = self.fields["name"].disabled = True
            self.fields["revision"].required = True

    def clean_summary(self) -> str:
        """Plain text, of a length that stays a summary."""
        summary = plain_text(self.cleaned_data["summary"])
        if not summary:
            raise ValidationError("Nothing was left of the summary after markup was taken out. Write it as plain text.")
        if len(summary) > SUMMARY_LIMIT:
            raise ValidationError(
                f"The summary has {len(summary):,} characters; at most {SUMMARY_LIMIT:,} are kept. Shorten it to "
                "two short paragraphs: everything longer belongs in the product's own documents, which are shown live."
            )
        return summary

    def clean_ports(self) -> list[PortData]:
        """Contract references as the inspection found them; anything else that was sent is refused."""
        try:
            raw = json.loads(self.cleaned_data["ports"] or "[]")
        except (ValueError, RecursionError) as error:
            raise ValidationError(PORTS_CHANGED) from error
        if not isinstance(raw, list) or len(raw) > PORT_LIMIT:
            raise ValidationError(PORTS_CHANGED)
        return [_port(entry) for entry in raw]

    def clean(self) -> dict[str, Any]:
        """The name is made from the title where it was left empty."""
        cleaned = super().clean() or {}
        self.unknown_tags = glossary.unknown(_labels(cleaned.get("tags", "")))
        if self.unknown_tags and not cleaned.get("new_tags"):
            said = " ".join(word.sentence for word in self.unknown_tags[:5])
            self.add_error("tags", f"{said} Take such a word, or tick below that the new ones become part of it.")
        cleaned["name"] = cleaned.get("name") or name_from(cleaned.get("title", ""))
        if not cleaned["name"] and "title" in cleaned:
            self.add_error(
                "name", "No name can be made from this title. Choose one, in small letters, digits and hyphens."
            )
        return cleaned

    def data_with(self, links: list[LinkData]) -> ProductData:
        """What the registry's services take. Only after is_valid()."""
        cleaned = self.cleaned_data
        return ProductData(
            domain=cleaned["domain"].slug,
            name=cleaned["name"],
            title=cleaned["title"],
            summary=cleaned["summary"],
            type=cleaned["type"],
            tags=_labels(cleaned["tags"]),
            access_mode=cleaned["access_mode"],
            links=links,
            ports=cleaned["ports"],
        )

    def add_registry_errors(self, error: ValidationError, free_name: Callable[[str, str], str] | None = None) -> None:
        """Shows what the registry refused beside the field it speaks of; of a name that is taken, one that is free."""
        messages = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, texts in messages.items():
            for text in texts:
                if field == "name" and free_name and text.endswith("Choose another name."):
                    domain, name = self.cleaned_data["domain"].slug, self.cleaned_data["name"]
                    text = f"{text} {free_name(domain, name)} is free."
                self.add_error(field if field in self.fields else None, text)


def _labels(typed: str) -> list[str]:
    return [tag for part in typed.split(",") if (tag := plain_text(part))]


def initial_of(product: Product) -> dict[str, Any]:
    """The form's first values for a registered product. Reads its tags and ports: two queries."""
    return {
        "title": product.title,
        "summary": product.summary,
        "domain": product.domain.slug,
        "name": product.name,
        "tags": ", ".join(tag.label for tag in product.tags.all()),
        "access_mode": product.access_mode,
        "type": product.type,
        "revision": product.revision,
        "ports": json.dumps(list(product.port_edges.values(*PORT_KEYS))),
    }


def initial_links(links: list[Link]) -> list[dict[str, str]]:
    """The first rows of the links."""
    return [{"rel": link.rel, "url": link.url, "media_type": link.media_type} for link in links]


def links_of(formset: Any) -> list[LinkData]:
    """The rows that were filled. Only after is_valid()."""
    return [
        LinkData(row["rel"], row["url"].strip(), row["media_type"])
        for row in (form.cleaned_data for form in formset.forms)
        if row and row.get("url", "").strip()
    ]
