"""One part of a live answer as a fragment shows it: its state in words, its age, and when to ask again."""

from dataclasses import dataclass
from datetime import UTC, datetime

from marketplace.live.errors import Problem
from marketplace.live.state import Part, State

# How long the browser waits before it asks again, by how often it has asked: quick first, for the fast products.
DELAYS_MS = (120, 250, 500, 1000)
PATIENCE = 32  # questions, about 30 s
# All parts of the product page together are asked for more often: an answer with nothing new costs next to nothing.
TOGETHER_MS = (120, 100, 100, 120, 150, 200, 250, 300, 400, 500, 1000)

OLD_SECONDS = 300  # an older answer says no more how the product is now

SILENT = Problem(
    "slow",
    "The product has not answered so far.",
    "Ask again now, or come back later; its registered summary stays here.",
)
STILL_SILENT = Problem(
    "slow",
    "Still no answer.",
    "What arrives appears here. Ask again, or come back later; the registered summary stays.",
)

WORDS = {
    "loading": "Asking the product",
    "live": "Live",
    "slow": "Slow",
    "last_seen": "Last seen",
    "down": "Does not answer",
    "never": "Not offered",
    "unavailable": "Not available now",
}


@dataclass(frozen=True)
class Polling:
    """The address of a fragment, and how often the browser has asked for it; `again`: after it had given up once.

    `together`: the address of all parts of the page, where one question of the browser is for them all.
    """

    url: str
    asked: int = 0
    again: bool = False
    together: str = ""

    @property
    def may_go_on(self) -> bool:
        """Whether the browser shall ask again by itself."""
        return self.asked < PATIENCE

    @property
    def next_url(self) -> str:
        """The address of the next question."""
        return f"{self.url}{self._joint}n={self.asked + 1}{'&again' if self.again else ''}"

    @property
    def retry_url(self) -> str:
        """The address of a question anew, for who presses the button; empty for a part that has none of its own."""
        if self.together:
            return f"{self.together}?again"
        return f"{self.url}{self._joint}again" if self.url else ""

    @property
    def _joint(self) -> str:
        return "&" if "?" in self.url else "?"

    @property
    def delay_ms(self) -> int:
        """How long to wait before the next question."""
        delays = TOGETHER_MS if self.together else DELAYS_MS
        return delays[min(self.asked, len(delays) - 1)]


@dataclass(frozen=True)
class Live:
    """What a fragment says of its answer; `poll_url` is set while it shall ask again after `poll_ms`.

    `together`: it arrives with all other parts of the page; `own_url` is then where it can be had alone, while it is
    awaited.
    """

    state: str
    word: str
    age: str
    latency_ms: int | None
    source_url: str
    message: str
    advice: str
    poll_url: str | None
    poll_ms: int
    asked_at: datetime | None
    retry_url: str = ""
    together: bool = False
    own_url: str = ""


def live(part: Part, polling: Polling, *, waiting: bool | None = None, said: Problem | None = None) -> Live:
    """The part for its fragment. `waiting`: it waits for more than this part; `said`: the page says this already."""
    pending = part.waiting if waiting is None else waiting
    pending = pending or part.state == "loading"
    gave_up = pending and not polling.may_go_on
    state, word, problem = part.state, word_of(part), part.problem
    if gave_up and part.waiting:
        state = "last_seen" if part.view is not None else "unavailable"
        word, problem = WORDS[state], problem or (STILL_SILENT if polling.again else SILENT)
    elif part.waiting:
        state, word = _while_waiting(part), waiting_word(part)
        if polling.again and part.view is None:
            problem = problem or STILL_SILENT
    message = problem if problem != said else None
    return Live(
        state="unknown" if state == "unavailable" else state,
        word=word,
        age=age(part.age_seconds),
        latency_ms=None if part.waiting else part.latency_ms,
        source_url=part.url or "",
        message=message.message if message else "",
        advice=message.advice if message else "",
        poll_url=polling.next_url if pending and not gave_up and not polling.together else None,
        poll_ms=polling.delay_ms,
        asked_at=part.seen_at or part.asked_at,
        retry_url=polling.retry_url if gave_up or state in ("down", "last_seen", "unavailable") else "",
        together=bool(polling.together),
        own_url=polling.url if polling.together and pending and not gave_up else "",
    )


def word_of(part: Part) -> str:
    """The state in words; of a part that fails also since when: "Does not answer since 14:02 UTC"."""
    since = failing_since(part)
    if not since:
        return WORDS[part.state]
    silent = f"{WORDS['down']} {since}"
    return f"{silent}; last seen" if part.state == "last_seen" else silent


def failing_since(part: Part) -> str:
    """ "since 14:02 UTC", with the day where it is not today; empty for a part that does not fail."""
    when = part.failing_since
    if when is None or part.state not in ("down", "last_seen"):
        return ""
    when = when.astimezone(UTC)
    day = "" if when.date() == datetime.now(UTC).date() else f"{when.day} {when:%b}, "
    return f"since {day}{when:%H:%M} UTC"


def _while_waiting(part: Part) -> State:
    """The look of a part whose answer is under way: a skeleton, or what was seen before."""
    if part.view is None or part.state not in ("loading", "slow"):
        return "loading" if part.view is None else part.state
    recent = part.problem is None and (part.age_seconds or 0) <= OLD_SECONDS
    return "live" if recent else "last_seen"


def waiting_word(part: Part) -> str:
    """What is said while an answer is under way."""
    seconds = (datetime.now(UTC) - part.asked_at).total_seconds() if part.asked_at else 0.0
    again = "again " if part.view is not None else ""
    if seconds < 1:
        return "Asking again" if again else WORDS["loading"]
    return f"Asked {again}{seconds:.1f} s ago, waiting"


def age(seconds: int | None) -> str:
    """How old an answer is, in words: "now", "40 s ago", "12 min ago", "3 h ago"; empty where there is none."""
    if seconds is None:
        return ""
    if seconds < 3:
        return "now"
    if seconds < 90:
        return f"{seconds} s ago"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min ago"
    return f"{round(seconds / 3600)} h ago"
