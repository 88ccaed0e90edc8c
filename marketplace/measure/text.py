"""Questions as they are kept: cut, without what identifies people; and as they are compared."""

import re
import unicodedata

from marketplace.measure.models import QUESTION

CUT = 5000  # characters that are looked at
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_NUMBER = re.compile(r"\+?\d(?:[ /()-]{0,2}\d){8,}")  # telephone, card and account numbers; no years, no coordinates
_WORD = re.compile(r"[^\W_]{3,}")
_COMMON = frozenset({
    "all", "and", "any", "are", "can", "data", "does", "for", "from", "has", "have", "how", "its", "many", "much",
    "per", "than", "that", "the", "there", "these", "this", "those", "was", "what", "when", "where", "which", "who",
    "with",
})  # fmt: skip
HIDDEN = "…"


def kept(typed: str) -> str:
    """The question on one line, e-mail addresses and long numbers replaced, QUESTION characters at most."""
    text = " ".join(_CONTROL.sub(" ", typed[:CUT]).split())
    return _NUMBER.sub(HIDDEN, _MAIL.sub(HIDDEN, text))[:QUESTION].strip()


def normal(typed: str) -> str:
    """The question as it is compared: alike whatever its case, spaces, width of letters and last question mark."""
    text = " ".join(unicodedata.normalize("NFKC", kept(typed)).casefold().split())
    return text.rstrip(" ?!.")[:QUESTION].strip()


def telling(text: str) -> set[str]:
    """The words of a text that tell something, in small letters; a plural counts as its singular."""
    found = {word.casefold() for word in _WORD.findall(text)}
    return {word.removesuffix("s") for word in found - _COMMON}
