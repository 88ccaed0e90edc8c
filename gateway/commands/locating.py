"""From a place inside a YAML document to its line."""

from collections.abc import Sequence

import yaml


class Lines:
    """Line numbers of one document, counted from 1.

    Args:
        raw: text that `parse_yaml` took, so no alias bomb and nothing too deep.
    """

    def __init__(self, raw: bytes) -> None:
        self._root: yaml.Node | None
        try:
            self._root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError):
            self._root = None

    def of(self, place: Sequence[str | int]) -> int:
        """The line of the key or list entry at a place; of the nearest part around it that is there, when it is not."""
        node, line = self._root, 1
        for step in place:
            if isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if str(k.value) == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                break
        return int(line)
