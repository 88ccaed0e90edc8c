"""The FAIR score: how findable, accessible, interoperable and reusable a product is, from named checks. Pure, no I/O.

Each principle is the share of its checks that are met, and the score their mean, 0 to 100. The letters and numbers are
those of the FAIR Guiding Principles (Wilkinson et al. 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.live.state import LiveProduct
from marketplace.trust import measuring
from marketplace.trust.entry import Entry
from marketplace.trust.findings import Finding, Judge, Where
from marketplace.trust.told import Told, told_by


@dataclass(frozen=True, slots=True)
class Check:
    """One named check: `principle` as FAIR numbers it, `raises`: what to do where it is not met."""

    key: str
    principle: str
    title: str
    judge: Judge
    where: Where
    raises: str


LETTERS = {"F": "Findable", "A": "Accessible", "I": "Interoperable", "R": "Reusable"}
CHECKS: tuple[Check, ...] = (
    Check("identifier", "F1", "It has an identifier of its own", measuring.identifier, "product",
          "Give the document an id that never changes."),
    Check("summary", "F2", "It is described in words", measuring.summary, "listing",
          f"Write at least {measuring.SUMMARY_CHARACTERS} characters on what it holds, for where and when."),
    Check("keywords", "F2", "It has keywords", measuring.keywords, "listing",
          f"Give at least {measuring.KEYWORDS} tags that people would search by."),
    Check("contents", "F3", "It lists what is in it", measuring.contents, "product",
          "List its output ports, each with a title or a description."),
    Check("listed", "F4", "It is listed where people search", measuring.listed, "listing", "Publish it."),
    Check("answers", "A1", "It answers for itself", measuring.answers, "product",
          "Bring its gateway back, or put the discovery link right."),
    Check("protocol", "A1.1", "Its data are reached by a named protocol", measuring.protocol, "contract",
          "Say where the data are: a link to consume them, or the servers of a data contract."),
    Check("conditions", "A1.2", "It says who may have it", measuring.conditions, "product",
          "Say accessRights for the product or its ports, or roles in a data contract."),
    Check("support", "A1", "There is somebody to ask", measuring.support, "product",
          "Name a support channel with its address."),
    Check("health", "A1", "Its health can be asked", measuring.health, "product",
          "Serve /observe/health, or register an observability link."),
    Check("standard", "I1", "Its documents keep to their standards", measuring.standard, "product",
          "Put right what the standard's schema refuses; its page lists it with the place."),
    Check("columns", "I1", "Its columns have types", measuring.types, "contract",
          "Describe the columns with their types in a data contract."),
    Check("format", "I1", "It says its formats", measuring.formats, "contract",
          "Say the format of each output port, or the type of the servers."),
    Check("meaning", "I2", "Its columns say what they mean", measuring.meaning, "contract",
          "Give nine of ten columns a description or a business name."),
    Check("references", "I3", "It refers to what it belongs to", measuring.references, "product",
          "Name its input ports, or link definitions and documentation."),
    Check("license", "R1.1", "It has a license", measuring.license, "product",
          "Name a license, as an SPDX identifier or an address."),
    Check("provenance", "R1.2", "It says where it comes from", measuring.provenance, "product",
          "Name its input ports or its sources, or the transformation of columns."),
    Check("version", "R1.2", "It has a version", measuring.version, "product", "Say its version."),
    Check("contract", "R1.3", "It has a data contract", measuring.contract, "product",
          "Let an output port name its data contract (ODCS), and serve that contract."),
    Check("quality", "R1", "It has quality rules", measuring.quality, "contract",
          "Write at least one quality rule into a data contract."),
    Check("objectives", "R1", "It promises service levels", measuring.objectives, "contract",
          "Promise something that you measure: how fresh, how available, how long kept."),
    Check("use", "R1", "It says what it is and is not good for", measuring.use, "product",
          "Write the usage and the limitations into its description."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A check with what was found; `points` is what it gives, or would give, of the hundred."""

    check: Check
    finding: Finding
    points: float

    @property
    def key(self) -> str:
        return self.check.key

    @property
    def state(self) -> str:
        """met, missing or unknown."""
        return self.finding.state

    @property
    def reason(self) -> str:
        return self.finding.reason


@dataclass(frozen=True, slots=True)
class Principle:
    """One of the four letters. `score` is None while nothing is known of the product."""

    letter: str
    title: str
    score: int | None
    checks: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Fair:
    """`score` is None while nothing is known of the product: it does not answer, and was not seen within a day.

    `unknown` checks cannot be judged now and give no points, so the score is then at least what is said.
    """

    score: int | None
    principles: tuple[Principle, ...]
    told: Told

    @property
    def checks(self) -> tuple[Checked, ...]:
        """All of them, in order."""
        return tuple(checked for principle in self.principles for checked in principle.checks)

    @property
    def unknown(self) -> int:
        return sum(checked.state == "unknown" for checked in self.checks)

    @property
    def raising(self) -> tuple[Checked, ...]:
        """What would raise it, what gives most first."""
        return tuple(sorted((c for c in self.checks if c.state == "missing"), key=lambda c: -c.points))


def fair(view: LiveProduct | None, entry: Entry) -> Fair:
    """The score of a product by its entry and by what it says of itself; `view` is None where it was never asked."""
    told = told_by(view)
    principles = tuple(_principle(letter, title, entry, told) for letter, title in LETTERS.items())
    points = sum(checked.points for one in principles for checked in one.checks if checked.state == "met")
    return Fair(_whole(points) if told.known else None, principles, told)


def _principle(letter: str, title: str, entry: Entry, told: Told) -> Principle:
    checks = [check for check in CHECKS if check.principle.startswith(letter)]
    points = 100 / len(LETTERS) / len(checks)
    checked = tuple(Checked(check, check.judge(entry, told), points) for check in checks)
    met = sum(one.state == "met" for one in checked)
    return Principle(letter, title, _whole(100 * met / len(checks)) if told.known else None, checked)


def _whole(points: float) -> int:
    """Rounded down, so that only what lacks nothing has a hundred."""
    return int(points + 1e-6)
