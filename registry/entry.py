"""A product with all that its pages show of the registry, in one question.

The pages of products and each of their live parts begin with it. Asked for through the ORM the same is four queries,
whose making alone takes ten times as long.
"""

from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from marketplace.accounts.models import Team
from registry.models import Deprecation, Domain, Lifecycle, Link, Product, Purpose, Tag

M = TypeVar("M", bound=Model)


def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _columns(model: type[Model], alias: str) -> str:
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def _rows(model: type[Model], alias: str, rest: str, order: str) -> str:
    """A list of rows as JSON, which is exact for the numbers and texts that these have."""
    row = f"json_build_array({_columns(model, alias)})"
    return f"(SELECT json_agg({row} ORDER BY {order}) FROM {model._meta.db_table} {alias} {rest})"  # noqa: S608 # names of ours


_PARTS: tuple[tuple[type[Model], str], ...] = ((Product, "p"), (Domain, "d"), (Team, "o"))
_TAGGED = Product.tags.through._meta.db_table
_ASK = f"""
SELECT {", ".join(_columns(model, alias) for model, alias in _PARTS)},
  {_rows(Tag, "t", f"JOIN {_TAGGED} x ON x.tag_id = t.id WHERE x.product_id = p.id", "t.slug")},
  {_rows(Link, "l", "WHERE l.product_id = p.id", "l.id")},
  {_rows(Domain, "a", "WHERE a.slug = ANY(string_to_array(d.path, '/')) AND a.id <> d.id", "length(a.path)")},
  EXISTS (SELECT FROM {Purpose._meta.db_table} u WHERE u.product_id = p.id)
FROM {Product._meta.db_table} p
JOIN {Domain._meta.db_table} d ON d.id = p.domain_id
JOIN {Team._meta.db_table} o ON o.id = p.owner_id
WHERE d.slug = %s AND p.name = %s
"""  # noqa: S608 # names of ours


def at(domain: str, name: str) -> Product | None:
    """The product at urn:dp:<domain>:<name>, with domain and the domains above it, owner, tags and links.

    `has_purposes` of it is set, too.

    One query; for a product that is deprecated or retired one more, for what is said of that.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [domain, name])
        row = cursor.fetchone()
    if row is None:
        return None
    made: list[Any] = []
    rest = list(row)
    for model, _ in _PARTS:
        names = _names(model)
        made.append(_made(model, rest[: len(names)]))
        rest = rest[len(names) :]
    product, product.domain, product.owner = made
    tags, links, ancestors = (value or [] for value in rest[:3])
    product.has_purposes = rest[3]
    product.domain.known_ancestors = [_made(Domain, values) for values in ancestors]
    product._prefetched_objects_cache = {
        "tags": _loaded(product.tags, [_made(Tag, values) for values in tags]),
        "links": _loaded(product.links, [_made(Link, values) for values in links]),
    }
    product._state.fields_cache["deprecation"] = _deprecation(product)
    return product


def _deprecation(product: Product) -> Deprecation | None:
    if product.lifecycle not in (Lifecycle.DEPRECATED, Lifecycle.RETIRED):
        return None
    return Deprecation.objects.select_related("successor__domain").filter(product=product).first()


def _made(model: type[M], values: list[Any]) -> M:
    return model.from_db(DEFAULT_DB_ALIAS, _names(model), values)


def _loaded(manager: Any, rows: list[Any]) -> Any:
    """The rows as what prefetching leaves: `.all()` gives them, anything else asks anew."""
    found = manager.get_queryset()
    found._result_cache = rows
    found._prefetch_done = True
    return found
