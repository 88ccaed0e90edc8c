"""The guided form: six questions, each with an example, and what a listing needs besides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.text import slugify

from marketplace.accounts import queries as people
from marketplace.accounts.models import Team, User
from marketplace.publishing import glossary
from marketplace.publishing.guided_answers import Answers, ColumnAnswer, InputAnswer, clean, columns_of, inputs_of
from marketplace.publishing.guided_files import FREQUENCIES
from registry import queries
from registry.models import AccessMode, Domain, Product, ProductType
from registry.services import TAG_LIMIT
from registry.text import plain_text

LEFT_OPEN = ("", "Not said")


@dataclass(frozen=True)
class Question:
    """One question with the fields that answer it."""

    title: str
    help: str
    fields: tuple[str, ...]


QUESTIONS = (
    Question(
        "What is it?", "The name and the sentences that people find it by.",
        ("title", "what", "domain", "tags", "new_tags"),
    ),
    Question("Who will use it?", "Name people and teams, not systems.", ("who",)),
    Question("What will they use it for?", "The decision or the work that gets better by it.", ("purpose",)),
    Question(
        "How is it consumed?", "What people get in their hands, and whether they have to ask.",
        ("format", "columns", "access_mode", "access_policy"),
    ),
    Question("From what is it made?", "Where its data come from: this becomes its lineage.", ("inputs", "type")),
    Question("Who owns it?", "Who answers questions, and who looks after meaning and quality.",
             ("owner", "owner_name", "email", "steward")),
    Question(
        "What may be promised?", "Promise only what you will measure. What is left open is not promised.",
        ("frequency", "availability", "license", "classification", "limitations"),
    ),
)  # fmt: skip


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class GuidedForm(forms.Form):
    """Answers to the questions. Only what a listing cannot do without is required."""

    title = forms.CharField(max_length=140, help_text="For example: Daily rain at stations.")
    what = forms.CharField(
        label="What is in it",
        max_length=600,
        widget=_area(3),
        help_text="Two sentences. For example: What fell at each of 400 stations, measured every morning at seven. "
        "Since 1990, in millimetres.",
    )
    domain = forms.ModelChoiceField(Domain.objects.all(), to_field_name="slug", empty_label="Choose a domain")
    tags = forms.CharField(required=False, max_length=600, help_text="For example: rain, daily, stations.")
    new_tags = forms.BooleanField(label="Add the new words to the glossary", required=False)
    who = forms.CharField(
        label="Who",
        max_length=300,
        widget=_area(2),
        help_text="For example: Underwriters of home insurance, and the flood desk.",
    )
    purpose = forms.CharField(
        label="What for",
        max_length=400,
        widget=_area(2),
        help_text="For example: To price flood cover by place, and to warn two days ahead.",
    )
    format = forms.ChoiceField(
        label="As what",
        choices=[
            ("csv", "A table in a file (CSV)"),
            ("jsonl", "Records in a file (JSON lines)"),
            ("other", "Something else: a database, Parquet, documents, an API"),
        ],
        initial="csv",
    )
    columns = forms.CharField(
        required=False,
        max_length=20_000,
        widget=_area(4),
        help_text="One a line: name, type, what it means. For example: mm, number, Rain of the day in millimetres. "
        "Types: text, number, whole number, yes/no, date, time.",
    )
    access_mode = forms.ChoiceField(label="Access", choices=AccessMode.choices, initial=AccessMode.ON_REQUEST)
    access_policy = forms.CharField(
        label="Who may have it, and who decides",
        required=False,
        max_length=300,
        widget=_area(2),
        help_text="For example: Everybody in the company; the flood desk decides about others. "
        "Or the address of your policy.",
    )
    inputs = forms.CharField(
        label="Made from",
        required=False,
        max_length=5000,
        widget=_area(3),
        help_text="One a line: another product's contract with its version, an address, or words. "
        "For example: us-precipitation-monthly@1.4.0.",
    )
    type = forms.ChoiceField(
        choices=[LEFT_OPEN, *ProductType.choices],
        required=False,
        help_text="Source-aligned: as a system or a sensor gives it. Aggregate: put together from several products. "
        "Consumer-aligned: made for one use.",
    )
    owner = forms.ModelChoiceField(Team.objects.none(), label="Team", to_field_name="slug", required=False)
    owner_name = forms.CharField(
        label="Data product owner", required=False, max_length=120, help_text="For example: Jo Doe."
    )
    email = forms.EmailField(
        label="E-mail address for questions",
        required=False,
        max_length=200,
        help_text="Stands in the product's own document, for everybody. For example: rain@example.org.",
    )
    steward = forms.CharField(
        label="Data steward",
        required=False,
        max_length=120,
        help_text="A name or an address. For example: mo@example.org.",
    )
    frequency = forms.ChoiceField(
        label="New data arrive every",
        choices=[LEFT_OPEN, *((key, key) for key in FREQUENCIES)],
        required=False,
    )
    availability = forms.DecimalField(
        label="It answers, in percent of the time",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=6,
        decimal_places=3,
        help_text="For example: 99.5.",
    )
    license = forms.CharField(
        label="License, or what one may do with it",
        required=False,
        max_length=200,
        help_text="For example: CC-BY-4.0, or an address, or: Within the company only.",
    )
    classification = forms.ChoiceField(
        label="Privacy classification",
        choices=[LEFT_OPEN, *((level, level.capitalize()) for level in
                              ("public", "internal", "confidential", "restricted"))],
        required=False,
    )  # fmt: skip
    limitations = forms.CharField(
        label="What it is not good for",
        required=False,
        max_length=600,
        widget=_area(2),
        help_text="For example: Not for single thunderstorms; stations are 20 km apart.",
    )

    def __init__(self, *args: Any, user: User, product: Product | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.product = product
        self.name = ""
        teams = people.teams_of(user)
        owner = cast(forms.ModelChoiceField, self.fields["owner"])
        owner.queryset = teams
        owner.initial = teams.first()
        if len(teams) < 2:
            del self.fields["owner"]
        self.fields["email"].initial = user.email

    def questions(self) -> Iterator[tuple[Question, list[BoundField]]]:
        """Each question with its fields, as the template shows them."""
        for question in QUESTIONS:
            yield question, [self[name] for name in question.fields if name in self.fields]

    def clean_what(self) -> str:
        """What is listed of it is plain text, so some of it must be left then."""
        what = clean(self.cleaned_data["what"])
        if not plain_text(what):
            raise ValidationError("Nothing was left of it after markup was taken out. Write it as plain text.")
        return what

    def clean_columns(self) -> tuple[ColumnAnswer, ...]:
        return columns_of(self.cleaned_data["columns"])

    def clean_inputs(self) -> tuple[InputAnswer, ...]:
        return inputs_of(self.cleaned_data["inputs"])

    def clean_tags(self) -> tuple[str, ...]:
        tags = tuple(dict.fromkeys(tag for part in self.cleaned_data["tags"].split(",") if (tag := clean(part))))
        if len(tags) > TAG_LIMIT:
            raise ValidationError(f"Use at most {TAG_LIMIT} tags; these are {len(tags)}.")
        return tags

    def clean(self) -> dict[str, Any]:
        """The name is made from the title, and stays once the product is registered."""
        cleaned = super().clean() or {}
        self.name = self.product.name if self.product else slugify(plain_text(cleaned.get("title", "")))[:63].strip("-")
        if "title" in cleaned and not self.name:
            self.add_error("title", "No address can be made from this title. Use some letters a to z, or digits.")
        unknown = glossary.unknown(cleaned.get("tags", ()))
        if unknown and not cleaned.get("new_tags"):
            said = " ".join(word.sentence for word in unknown[:5])
            self.add_error("tags", f"{said} Take such a word, or tick below that the new ones become part of it.")
        domain = cleaned.get("domain")
        if self.product is None and domain and self.name and queries.by_address(domain.slug, self.name):
            said = f"The domain {domain.slug} already has a product named {self.name}. Choose another title."
            self.add_error("title", said)
        return cleaned

    def answers(self, product_id: str, team: str) -> Answers:
        """The whole set. Only after is_valid()."""
        said = self.cleaned_data
        texts = ("title", "who", "purpose", "owner_name", "email", "steward", "license", "limitations", "access_policy")
        same = ("what", "format", "access_mode", "type", "tags", "columns", "inputs", "frequency", "classification")
        given: dict[str, Any] = {name: clean(said[name]) for name in texts} | {name: said[name] for name in same}
        return Answers(
            id=product_id,
            name=self.name,
            domain=self.product.domain.slug if self.product else said["domain"].slug,
            team=team,
            availability="" if said["availability"] is None else f"{said['availability'].normalize():f}",
            **given,
        )
