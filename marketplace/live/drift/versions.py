"""Semantic versions (https://semver.org/): which one a change deserves, and whether the producer's own step fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Level = Literal["patch", "minor", "major"]
LEVELS: tuple[Level, ...] = ("patch", "minor", "major")

Bump = Literal["none", "too_small", "fits", "larger", "back", "not_semver", "not_judged"]
"""
none        the contract changed and its version did not
too_small   the version rose by less than the biggest change deserves
fits        it rose as it should; or neither changed
larger      it rose by more than it had to, which breaks nobody
back        it is lower than before
not_semver  one of the two is not a semantic version, or is not said
not_judged  it is not known what changed
"""

# Nine digits are enough for a version and too few to make a number of it slow.
_NUMBER = r"(0|[1-9]\d{0,8})"
_WORD = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"(v?){_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_WORD}(?:\.{_WORD})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version; `prefix` is "v" where one was written, build metadata count for nothing."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.prefix}{self.major}.{self.minor}.{self.patch}{f'-{self.pre}' if self.pre else ''}"

    @property
    def core(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch

    @property
    def precedence(self) -> tuple[object, ...]:
        """What versions are ordered by: a release comes after its own pre-releases."""
        words = tuple((0, int(w), "") if w.isdigit() else (1, 0, w) for w in self.pre[:MAX_LENGTH].split("."))
        return (*self.core, 0 if self.pre else 1, words if self.pre else ())


def parsed(text: str | None) -> Version | None:
    """The version, a "v" before it allowed; None where it is not a semantic one."""
    if not text or len(text) > MAX_LENGTH or (found := _SEMVER.fullmatch(text)) is None:
        return None
    prefix, major, minor, patch, pre = found.groups()
    return Version(int(major), int(minor), int(patch), pre or "", prefix)


def order(text: str | None) -> tuple[object, ...]:
    """A key that orders versions as people do: 1.10.0 after 1.9.0; those that are not semantic by their numbers, lower
    than any that is."""
    version = parsed(text)
    if version is not None:
        return (1, *version.precedence)
    numbers = tuple(int(part[:9]) for part in re.findall(r"[0-9]+", (text or "")[:MAX_LENGTH]))
    return (0, numbers, text or "")


def suggested(before: str | None, level: Level | None) -> str | None:
    """The next version after `before` for a change of this level; the same one for no change.

    None where `before` is not semantic. Before 1.0.0 the minor number takes the part of the major one. A pre-release
    becomes its release, for until then anything may change.
    """
    version = parsed(before)
    if version is None:
        return None
    major, minor, patch = version.core
    if level is None:
        return str(version)
    if version.pre:
        return str(Version(major, minor, patch, prefix=version.prefix))
    if level == "patch":
        patch += 1
    elif level == "minor" or major == 0:
        minor, patch = minor + 1, 0
    else:
        major, minor, patch = major + 1, 0, 0
    return str(Version(major, minor, patch, prefix=version.prefix))


def step(before: Version, after: Version) -> Level | None:
    """Which number rose; None where only the pre-release did."""
    if after.major > before.major:
        return "major"
    if after.minor > before.minor:
        return "minor"
    return "patch" if after.patch > before.patch else None


def judged(before: str | None, after: str | None, level: Level | None, *, known: bool = True) -> Bump:
    """Whether the step from `before` to `after` fits a change of this level, where it is `known` what changed."""
    if before and before == after:
        return "fits" if known and level is None else "none"
    old, new = parsed(before), parsed(after)
    if old is None or new is None:
        return "not_semver"
    if new.precedence < old.precedence:
        return "back"
    if not known:
        return "not_judged"
    if level is None:
        return "fits" if new.precedence == old.precedence else "larger"
    if new.precedence == old.precedence:  # only build metadata differ
        return "none"
    if old.pre:  # on the way to a release anything may change
        return "fits"
    taken = LEVELS.index(step(old, new) or "patch")
    needed = LEVELS.index(level)
    if old.major == 0:
        if new.major > 0:  # to call it stable is always the producer's right
            return "fits"
        needed = min(needed, LEVELS.index("minor"))
    if taken == needed:
        return "fits"
    return "larger" if taken > needed else "too_small"
