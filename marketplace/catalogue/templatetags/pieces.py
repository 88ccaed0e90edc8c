"""Small pieces of markup that stand a hundred times on a page: as templates of their own they were most of its cost."""

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, **attributes: str) -> SafeString:
    """One symbol of static/icons.svg by its id, decorative: put words beside it. `class`: a class more, optional."""
    return _icon(str(name), attributes.get("class") or "")


@lru_cache(maxsize=1000)
def _icon(name: str, more: str) -> SafeString:
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" {more}" if more else "",
        static("icons.svg"),
        name,
    )
