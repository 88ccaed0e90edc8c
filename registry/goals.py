"""What products are for: the tree of goals and use cases, and which product serves which, with its measure of success.

Stewards and administrators keep the tree; who may change a product says what it is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Prefetch, Q, QuerySet, Window
from django.db.models.functions import Coalesce, Now, RowNumber
from django.utils.text import slugify

from marketplace.accounts.models import Role, Team, User
from registry import events
from registry.access import may_edit
from registry.models import LISTED, SUMMARY_LIMIT, Goal, Product, Purpose
from registry.services import StaleRevisionError
from registry.text import plain_text

PURPOSE_LIMIT = 12  # of one product
QUESTION = 500  # characters of a question that are compared with titles
TEXTS = {"hypothesis": 400, "measure": 200, "target": 200}  # characters, as Purpose has them
RESERVED = frozenset({"new"})  # a page has this address


class InUseError(ValidationError):
    """Something still hangs on the goal that is to be removed."""


@dataclass(frozen=True)
class PurposeData:
    """That a product is to serve a goal or use case (its slug). Markup in the texts is dropped."""

    goal: str
    hypothesis: str = ""
    measure: str = ""
    target: str = ""


@dataclass(frozen=True)
class Branch:
    """A goal or use case, the listed products that serve it (the first by title), and how many there are in all."""

    goal: Goal
    purposes: Sequence[Purpose]
    total: int


@dataclass
class Node:
    """A goal with its use cases, each with `count` set."""

    goal: Goal
    use_cases: list[Goal] = field(default_factory=list)


# Reads


def tree() -> list[Node]:
    """All goals by title, each with its use cases; `count` is the listed products of each. Three queries."""
    listed = Purpose.objects.filter(product__lifecycle__in=LISTED).order_by()
    own = dict(listed.values_list("goal_id").annotate(Count("product_id")))
    below = dict(
        listed.annotate(root=Coalesce("goal__parent_id", "goal_id"))
        .values_list("root")
        .annotate(Count("product_id", distinct=True))
    )
    nodes: dict[int, Node] = {}
    rows = list(Goal.objects.select_related("owner", "parent"))
    for goal in rows:
        if goal.parent_id is None:
            goal.count = below.get(goal.pk, 0)
            nodes[goal.pk] = Node(goal)
    for goal in rows:
        if goal.parent_id is not None:
            goal.count = own.get(goal.pk, 0)
            nodes[goal.parent_id].use_cases.append(goal)
    return list(nodes.values())


def by_slug(slug: str) -> Goal | None:
    """The goal or use case, with the goal above, its team and its use cases. Two queries."""
    found = Goal.objects.select_related("owner", "parent").prefetch_related("use_cases")
    return found.filter(slug=slug).first() if "\x00" not in slug else None


def branches(goal: Goal, limit: int) -> list[Branch]:
    """The goal itself where products serve it directly, then its use cases, with up to `limit` products each.

    Two queries, however many products.
    """
    members = [goal, *goal.use_cases.all()]
    listed = Purpose.objects.filter(goal__in=members, product__lifecycle__in=LISTED)
    totals = dict(listed.order_by().values_list("goal_id").annotate(Count("pk")))
    rank = Window(RowNumber(), partition_by=[F("goal_id")], order_by=["product__title", "product_id"])
    shown = listed.select_related("product__domain", "product__owner").annotate(rank=rank).filter(rank__lte=limit)
    of: dict[int, list[Purpose]] = {}
    for purpose in shown.order_by("goal_id", "rank"):
        of.setdefault(purpose.goal_id, []).append(purpose)
    found = [Branch(member, of.get(member.pk, []), totals.get(member.pk, 0)) for member in members]
    return [branch for branch in found if branch.total or branch.goal.pk != goal.pk or goal.parent_id is not None]


def total(goal: Goal) -> int:
    """How many listed products serve it, or a use case of it. One query."""
    return Product.objects.filter(serving(goal.slug), lifecycle__in=LISTED).count()


def serving(slug: str) -> Q:
    """A condition on products: they serve the goal of this slug, or a use case of it."""
    if "\x00" in slug:  # which PostgreSQL refuses
        return Q(pk__in=())
    return Q(pk__in=Purpose.objects.filter(Q(goal__slug=slug) | Q(goal__parent__slug=slug)).values("product_id"))


NAMED = """
SELECT goal.* FROM registry_goal goal, LATERAL (
    SELECT count(*) AS words FROM unnest(to_tsvector('english', goal.title)) said
    JOIN unnest(to_tsvector('english', %(text)s)) asked USING (lexeme)
) shared
WHERE shared.words >= greatest(1, least(2, length(to_tsvector('english', %(text)s))))
  AND EXISTS (SELECT FROM registry_purpose JOIN registry_goal served ON served.id = goal_id
              WHERE goal.id IN (served.id, served.parent_id))
ORDER BY shared.words DESC, goal.parent_id IS NULL DESC, goal.id LIMIT 1
"""


def named_in(text: str) -> Goal | None:
    """The goal or use case that products serve and whose title has most words of a question, two at least.

    One query, some 20 µs for each goal there is.
    """
    return next(iter(Goal.objects.raw(NAMED, {"text": text[:QUESTION].replace("\x00", "")})), None)


def purposes_of(product: Product) -> QuerySet[Purpose]:
    """What a product is for, with the goal above each use case. One query."""
    return Purpose.objects.filter(product=product).select_related("goal__parent").order_by("pk")


def with_purposes() -> Prefetch:
    """For queries of many products that say what each is for. One query more."""
    return Prefetch("purposes", Purpose.objects.select_related("goal__parent").order_by("pk"))


def choices() -> list[tuple[str, str]]:
    """All goals and use cases as (slug, "Goal: use case"), in the order of the tree. One query."""
    rows = Goal.objects.select_related("parent")
    labels = {row.slug: f"{row.parent.title}: {row.title}" if row.parent else row.title for row in rows}
    return sorted(labels.items(), key=lambda pair: pair[1].casefold())


# Verbs


def may_govern(user: User | None) -> bool:
    """Stewards and administrators. No query."""
    return user is not None and user.has_role(Role.STEWARD)


@transaction.atomic
def create(
    actor: User, title: str, *, summary: str = "", parent: Goal | None = None, owner: Team | None = None, slug: str = ""
) -> Goal:
    """A goal, or a use case below `parent`. The slug is made from the title where none is given.

    Raises ValidationError by field and PermissionDenied.
    """
    _require_govern(actor)
    if parent is not None:
        parent = _held(parent)
    goal = Goal(parent=parent, owner=owner)
    problems = _fill(goal, title, summary)
    goal.slug = slug or slugify(goal.title)[:63].strip("-")
    if parent is not None and parent.parent_id is not None:
        problems["parent"] = f"{parent.title} is a use case; a use case stands below a goal."
    if goal.slug in RESERVED or not goal.slug:
        problems["slug"] = "Choose another name for its address, in small letters, digits and hyphens."
    _check(goal, problems)
    try:
        with transaction.atomic():
            goal.save()
    except IntegrityError as error:  # somebody took the name between the check and here
        raise _taken(goal.slug) from error
    events.record("goal.created", goal.urn, actor, title=goal.title, parent=parent.slug if parent else None)
    return goal


@transaction.atomic
def change(actor: User, goal: Goal, *, title: str, summary: str, owner: Team | None) -> Goal:
    """Says it in other words, or gives it to another team; its address and its place stay. Raises as create does."""
    _require_govern(actor)
    before = {"title": goal.title, "summary": goal.summary, "owner": goal.owner_id}
    problems = _fill(goal, title, summary)
    goal.owner = owner
    _check(goal, problems)
    after = {"title": goal.title, "summary": goal.summary, "owner": goal.owner_id}
    changed = sorted(name for name in after if after[name] != before[name])
    if changed:
        goal.save(update_fields=changed)
        events.record("goal.changed", goal.urn, actor, title=goal.title, changed=changed)
    return goal


@transaction.atomic
def remove(actor: User, goal: Goal) -> None:
    """Takes away what nothing hangs on. Raises InUseError where something does, PermissionDenied."""
    _require_govern(actor)
    goal = _held(goal)
    if goal.use_cases.exists():
        raise InUseError(f"{goal.title} has use cases. Remove them first.")
    serving = goal.purposes.count()
    if serving:
        raise InUseError(
            f"{serving:,} product{'s' if serving > 1 else ''} serve{'' if serving > 1 else 's'} {goal.title}, drafts "
            "included. Their owners take it away on their products' pages first."
        )
    urn, title = goal.urn, goal.title
    goal.delete()
    events.record("goal.removed", urn, actor, title=title)


@transaction.atomic
def set_purposes(
    actor: User, product: Product, wanted: Sequence[PurposeData], *, revision: int | None = None
) -> list[Purpose]:
    """Says all that the product is for, in place of what was said; the same again changes nothing.

    `revision` is the one the person saw; None takes it as it is. Raises StaleRevisionError where somebody changed the
    product meanwhile, ValidationError by field, PermissionDenied for outsiders. Some eight queries.
    """
    if not may_edit(actor, product):
        raise PermissionDenied(f"Only {product.owner.name} may say what this product is for.")
    # The row is held, so that two who save at once come one after the other.
    locked = Product.objects.select_for_update().only("revision").get(pk=product.pk)
    if revision is not None and locked.revision != revision:
        raise StaleRevisionError(
            "Somebody else changed this product while you were editing. "
            "Open it in another window to see their version; yours is still in the form."
        )
    purposes = _purposes(product, wanted)
    before = [_said(purpose) for purpose in purposes_of(product)]
    if [_said(purpose) for purpose in purposes] == before:
        return list(purposes_of(product))
    product.purposes.all().delete()
    Purpose.objects.bulk_create(purposes)
    Product.objects.filter(pk=product.pk).update(revision=F("revision") + 1, updated_at=Now())
    product.refresh_from_db(fields=["revision", "updated_at"])
    events.record("product.updated", product.urn, actor, changed=["purposes"])
    return purposes


def _said(purpose: Purpose) -> tuple[int, str, str, str]:
    return purpose.goal_id, purpose.hypothesis, purpose.measure, purpose.target


def _purposes(product: Product, wanted: Sequence[PurposeData]) -> list[Purpose]:
    """The rows, unsaved. Raises ValidationError."""
    if len(wanted) > PURPOSE_LIMIT:
        raise ValidationError({"purposes": f"Name at most {PURPOSE_LIMIT} goals; these are {len(wanted)}."})
    slugs = [data.goal for data in wanted]
    # Held until commit, so that none of them is removed meanwhile.
    held = Goal.objects.select_for_update(no_key=True).filter(slug__in=[slug for slug in slugs if "\x00" not in slug])
    found = {goal.slug: goal for goal in held.order_by("pk")}
    problems = [f"There is no goal or use case {slug[:63]!r}." for slug in slugs if slug not in found]
    problems += [f"{slug} is named twice." for slug in {slug for slug in slugs if slugs.count(slug) > 1}]
    made = []
    for data in wanted:
        if data.goal not in found:
            continue
        texts = {name: " ".join(plain_text(getattr(data, name)).split()) for name in TEXTS}
        purpose = Purpose(product=product, goal=found[data.goal], **texts)
        for name, text in texts.items():
            limit = TEXTS[name]
            if len(text) > limit:
                problems.append(f"The {name} for {data.goal} has {len(text):,} characters; at most {limit} are kept.")
        made.append(purpose)
    if problems:
        raise ValidationError({"purposes": problems})
    return made


def _held(goal: Goal) -> Goal:
    """The goal as it is now, which nobody removes and nothing is hung on until commit. Raises ValidationError."""
    found = Goal.objects.select_for_update().filter(pk=goal.pk).first()
    if found is None:
        raise ValidationError(f"{goal.title} was removed meanwhile; reload the page.")
    return found


def _fill(goal: Goal, title: str, summary: str) -> dict[str, Any]:
    """Sets the texts; the problems by field."""
    goal.title, goal.summary = " ".join(plain_text(title).split()), plain_text(summary)
    if len(goal.summary) > SUMMARY_LIMIT:
        return {"summary": f"The summary has {len(goal.summary):,} characters; at most {SUMMARY_LIMIT:,} are kept."}
    return {}


def _check(goal: Goal, problems: dict[str, Any]) -> None:
    try:
        goal.clean_fields(exclude=["parent", "owner", *problems])
    except ValidationError as error:
        problems.update(error.message_dict)
    if Goal.objects.filter(slug=goal.slug).exclude(pk=goal.pk).exists():
        problems.setdefault("slug", _taken(goal.slug).message_dict["slug"])
    if problems:
        raise ValidationError(problems)


def _taken(slug: str) -> ValidationError:
    return ValidationError({"slug": f"There is a goal or use case {slug} already. Choose another address for it."})


def _require_govern(actor: User) -> None:
    if not may_govern(actor):
        raise PermissionDenied("Only stewards and administrators may change the goals.")
