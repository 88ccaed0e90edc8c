"""What the supervisor prints: every line prefixed with the process it comes from, in colour where that can be seen."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

PALETTE = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")  # SGR foreground colours (ECMA-48)


def colour_wanted(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Only on a terminal, and never against NO_COLOR (https://no-color.org) or a dumb terminal."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Console:
    """Writes whole lines to one stream. `names` fixes the width of the prefix and the colours."""

    def __init__(self, names: Sequence[str], stream: TextIO = sys.stdout, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = colour_wanted(stream, os.environ) if colour is None else colour
        self._width = max((len(name) for name in names), default=0)
        self._codes = {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(names)}

    def line(self, name: str, text: str) -> None:
        """One line of a process, with its prefix."""
        prefix = f"{name:<{self._width}} |"
        if self._colour and name in self._codes:
            prefix = f"\x1b[{self._codes[name]}m{prefix}\x1b[0m"
        self._write(f"{prefix} {text}")

    def step(self, text: str) -> None:
        """A step of the supervisor's own."""
        self._write(f"\x1b[1m> {text}\x1b[0m" if self._colour else f"> {text}")

    def problem(self, text: str) -> None:
        """Something that needs attention."""
        self._write(f"\x1b[1;31m! {text}\x1b[0m" if self._colour else f"! {text}")

    def block(self, lines: Sequence[str]) -> None:
        """The closing block: the lines between two rules."""
        rule = "-" * min(78, max(len(line) for line in lines) + 2)
        self._write("\n".join(["", rule, *(f" {line}".rstrip() for line in lines), rule, ""]))

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            # Whoever read along has gone (`make run | head`); the processes go on.
            return
