"""The query language for people: what may be typed beside plain words.

    "sea ice"      the words beside each other, in this order
    -model         without the word; -"sea ice" without the phrase
    domain:ocean tag:daily goal:net-zero owner:ice-team type:aggregate access:open lifecycle:published

Whatever is none of these, an unknown key too, is plain words. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.text import slugify

from registry.models import LISTED, AccessMode, ProductType

MOST_PHRASES = 8  # of either kind
VALUES: dict[str, Sequence[str]] = {
    "type": ProductType.values,
    "access": AccessMode.values,
    "lifecycle": [str(state) for state in LISTED],
}
KEYS = ("domain", "tag", "goal", "owner", *VALUES)

# A minus before a letter: "-20 degrees" is a number, "sea-ice" a word.
TOKEN = re.compile(
    rf"""(?<!\S)(?:
        (?P<key>{"|".join(KEYS)}):(?:"(?P<quoted>[^"]*)"|(?P<value>[^\s"]+))(?!\S)
      | (?P<minus>-)?"(?P<phrase>[^"]*)"
      | -(?P<word>[^\W\d_][^\s"]*)
    )""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Spoken:
    """What was typed, taken apart.

    `text`: the plain words and the phrases, for meaning and for ranking. `question`: the same with its quotes and
    minuses, without the filters that were understood. `filters`: slugs or values by key, the last of each; tags add up.
    """

    text: str
    question: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    filters: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def take_apart(typed: str) -> Spoken:
    """Reads what was typed. Never raises; what cannot be used is said in `notes`."""
    typed = " ".join(typed.split())
    phrases: list[str] = []
    without: list[str] = []
    filters: dict[str, str] = {}
    tags: list[str] = []
    notes: list[str] = []

    def text_of(match: re.Match[str]) -> str:
        found = match.groupdict()
        if found["key"]:
            return " "
        return " " if found["minus"] or found["word"] else f" {found['phrase']} "

    refused: set[int] = set()

    def question_of(match: re.Match[str]) -> str:
        return " " if match["key"] and match.start() not in refused else match[0]

    for match in TOKEN.finditer(typed):
        if match["key"]:
            told = _filter(match["key"].casefold(), match["quoted"] or match["value"] or "", filters, tags)
            if told:
                notes.append(told)
                refused.add(match.start())
        elif match["word"] or match["minus"]:
            _add(without, match["word"] or match["phrase"])
        else:
            _add(phrases, match["phrase"])
    if len(phrases) > MOST_PHRASES or len(without) > MOST_PHRASES:
        notes.append(
            f"Only the first {MOST_PHRASES} phrases and the first {MOST_PHRASES} words with a minus were used."
        )
    return Spoken(
        text=" ".join(TOKEN.sub(text_of, typed).split()),
        question=" ".join(TOKEN.sub(question_of, typed).split()),
        phrases=tuple(phrases[:MOST_PHRASES]),
        without=tuple(without[:MOST_PHRASES]),
        filters=filters,
        tags=tuple(dict.fromkeys(tags)),
        notes=tuple(notes),
    )


def _add(found: list[str], text: str) -> None:
    if text.strip() and text not in found:
        found.append(text)


def _filter(key: str, typed: str, filters: dict[str, str], tags: list[str]) -> str:
    """Sets the filter; the reason where it cannot be."""
    value = slugify(typed)[:63]
    if key in VALUES:
        known = {str(each).replace("_", "-"): str(each) for each in VALUES[key]}
        if value.replace("_", "-") not in known:
            return f"{key}:{typed[:40]} is not known, so it was left out; use one of {', '.join(known)}."
        filters[key] = known[value.replace("_", "-")]
    elif not value:
        return f"{key}:{typed[:40]} has no letters a to z, so it was left out."
    elif key == "tag":
        tags.append(value)
    else:
        filters[key] = value
    return ""
