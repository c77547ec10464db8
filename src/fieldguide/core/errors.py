"""Errors that say what happened, the rule, the fact, and the remedy.

Knows how a message reads and which exit status it ends in; knows nothing of where errors come from.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FieldguideError(Exception):
    """One clear failure: what happened, which rule it broke, what was found, what to do.

    Args:
        what: what happened, one sentence without a final full stop.
        rule: the rule that does not hold.
        found: the fact, with numbers, rows, columns or paths.
        do: the remedy.

    Examples:
        >>> print(DataError("the file is empty", rule="a table has a header and at least one row", do="check the export"))
        the file is empty. Rule: a table has a header and at least one row. Do: check the export.
    """

    exit_status = 2

    def __init__(self, what: str, *, rule: str = "", found: str = "", do: str = "") -> None:
        self.what, self.rule, self.found, self.do = what, rule, found, do
        super().__init__(self.sentence())

    def sentence(self) -> str:
        parts = [_stopped(self.what)]
        for label, text in (("Rule", self.rule), ("Found", self.found), ("Do", self.do)):
            if text:  # a text that starts a line of its own is a list
                parts.append(_stopped(f"{label}:{text}" if text.startswith("\n") else f"{label}: {text}"))
        return " ".join(parts)

    def to_dict(self) -> dict[str, str]:
        """Return the error as plain data, for `--json` and servers."""
        return {"error": type(self).__name__, "what": self.what, "rule": self.rule, "found": self.found, "do": self.do}


class ConfigError(FieldguideError):
    """study.yaml or a command-line option is not valid."""


class DataError(FieldguideError):
    """A data file cannot be read as a table, or not as the table the study needs."""


class SplitError(FieldguideError):
    """The rows cannot be divided as the study declares."""


class ContractError(FieldguideError):
    """Rows handed to a model do not fit its contract."""


class ModelError(FieldguideError):
    """A model folder is damaged, altered or of another format."""


class StudyError(FieldguideError):
    """A study folder is missing, damaged, or a step is asked for out of order."""


class GateError(FieldguideError):
    """One of the three hard gates is closed: metric first, seal first, one look."""

    exit_status = 1


class MissingExtra(FieldguideError):
    """An optional package is not installed; the message names the install line."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            rule="what only some need is installed when it is needed",
            found=f"this Python has no {package}",
            do=f'pip install "fieldguide[{extra}]"',
        )


def _stopped(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest choice, or an empty string.

    Examples:
        >>> nearest("tagret", ["target", "task"])
        " (did you mean 'target'?)"
    """
    found = difflib.get_close_matches(str(word), [str(c) for c in choices], n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def listed(items: Iterable[object], limit: int = 6) -> str:
    """Return items as `a, b, c and 4 more`.

    Examples:
        >>> listed("abcdefgh", limit=3)
        'a, b, c and 5 more'
    """
    words = [str(item) for item in items]
    if len(words) <= limit:
        return ", ".join(words)
    return ", ".join(words[:limit]) + f" and {len(words) - limit:,} more"
