"""What an examination found: one result for each check, summed by level."""

from typing import Any, Literal, get_args

from pydantic import BaseModel, Field, computed_field

Level = Literal["listed", "described", "observable", "certifiable", "consumable"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the least to the most; each takes in those before it."""

Outcome = Literal["holds", "missing", "wrong"]


class Result(BaseModel):
    """One check. `expected` and `seen` are sentences for people; `url` is what was asked."""

    level: Level
    check: str
    outcome: Outcome
    expected: str
    seen: str
    url: str | None = None


class Report(BaseModel):
    """All results. `reachable` is false when nothing answered at the address."""

    url: str
    protocol: str | None = None
    product: str | None = None
    reachable: bool = True
    claimed: Level = "listed"
    """The highest level that the gateway's own links claim."""
    asked: Level = "listed"
    results: list[Result] = Field(default_factory=list)

    def at(self, level: Level) -> list[Result]:
        """The results of one level, in the order they were found."""
        return [result for result in self.results if result.level == level]

    def holds(self, level: Level) -> bool:
        """Whether this level and all before it hold: something was checked, and nothing failed."""
        below = LEVELS[: LEVELS.index(level) + 1]
        return self.reachable and all(
            self.at(each) and all(result.outcome == "holds" for result in self.at(each)) for each in below
        )

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated properties
    @property
    def level(self) -> Level | None:
        """The highest level that holds; None when not even the first does."""
        held: Level | None = None
        for level in LEVELS:
            if not self.holds(level):
                break
            held = level
        return held

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated properties
    @property
    def passed(self) -> bool:
        """Whether the asked level holds."""
        return self.holds(self.asked)

    def summary(self) -> dict[str, Any]:
        """Numbers of outcomes by level."""
        outcomes = get_args(Outcome)
        return {
            level: {outcome: sum(r.outcome == outcome for r in self.at(level)) for outcome in outcomes}
            for level in LEVELS
            if self.at(level)
        }
