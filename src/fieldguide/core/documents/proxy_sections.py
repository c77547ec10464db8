"""The `proxies` section of study.yaml: events that may stand for an outcome that comes late, and the outcome itself.

Knows shapes and descriptions, and how the event becomes the text of a target column; what an event is worth is measured
in `explore`. The name `outcome` is kept for what one would predict if it were known in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fieldguide.core.documents.asked import TARGETLESS
from fieldguide.core.documents.document import Document, Mistake
from fieldguide.core.documents.sections import Name, Section, Text, Texts
from fieldguide.core.language.syntax import ExpressionError, read_syntax

OUTCOME = "outcome"
HAPPENED, DID_NOT = "yes", "no"


class EventSection(Section):
    """Something that happens to a row later on."""

    event: Name = Field(
        description="a column or an expression: whether it happened (true, false), or how much (a number)"
    )
    time: Name | None = Field(default=None, description="the column of the moment it happened; blank cells: not yet")
    variants: Texts = Field(
        default=(),
        description="other definitions of the event: thresholds, windows; what is learned should not hang on them",
    )
    observed_until: Text | None = Field(
        default=None,
        description="of the outcome: a column or a date up to which events were recorded; absent: the latest seen",
    )


def _event(value: Any) -> Any:
    return {"event": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


EventEntry = Annotated[EventSection, BeforeValidator(_event, json_schema_input_type=str | EventSection)]
Proxies = Mapping[str, EventSection]


def candidates(proxies: Proxies) -> dict[str, EventSection]:
    """Return the proxies without the outcome they stand for."""
    return {name: event for name, event in proxies.items() if name != OUTCOME}


def sources(proxies: Proxies) -> tuple[str, ...]:
    """Return every word of the section that may be a column: known only afterwards, so that no model may read it."""
    found: dict[str, None] = {}
    for event in proxies.values():
        for text in (event.event, *event.variants):
            found |= dict.fromkeys((text, *columns_of(text)))  # the text itself may be the name of a column
        found |= dict.fromkeys(text for text in (event.time, event.observed_until) if text is not None)
    return tuple(found)


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns that an event reads: its own name where it is no expression.

    Examples:
        >>> columns_of("clicks > 2 and paid = 'yes'"), columns_of("first click")
        (('clicks', 'paid'), ('first click',))
    """
    try:
        return read_syntax(text).columns
    except ExpressionError:
        return (text,)


def moment(text: str) -> float | None:
    """Return a date as days since 1970, or a number as itself; None where the text is neither.

    Examples:
        >>> moment("1970-01-11"), moment("540"), moment("exported_at")
        (10.0, 540.0, None)
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return (datetime.fromisoformat(text).replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds() / 86_400
    except ValueError:
        return None


def target_text(expression: str) -> str:
    """Return the expression of a target that says yes or no, missing where the event is.

    Examples:
        >>> target_text("clicks > 2")
        "if(is_missing(clicks > 2), null, if(clicks > 2, 'yes', 'no'))"
    """
    return f"if(is_missing({expression}), null, if({expression}, '{HAPPENED}', '{DID_NOT}'))"


def proxy_contradictions(document: Document) -> Iterator[Mistake]:
    """Yield what contradicts itself between `problem` and `proxies`, whose shapes may still be wrong."""
    data = document.data
    problem, proxies = data.get("problem"), data.get("proxies")
    if not isinstance(problem, Mapping):
        return
    named = [name for name in proxies if name != OUTCOME] if isinstance(proxies, Mapping) else []
    proxy = problem.get("proxy")
    target = problem.get("outputs") if problem.get("target") is None else problem.get("target")
    targetless = isinstance(problem.get("task"), str) and problem["task"] in TARGETLESS
    if target is None and proxy is None and not named and not targetless:
        what = "is required: without a target or a proxy nothing can be judged"
        yield Mistake(("problem", "target"), what, "", document.at(("problem", "target")))
    if target is not None and proxy is not None:
        what = "problem.target says what is learned already: give one of them"
        yield Mistake(("problem", "proxy"), what, repr(str(proxy)), document.at(("problem", "proxy")))
    elif proxy is not None and str(proxy) not in named:
        what = f"must be one of proxies ({', '.join(map(str, named))})" if named else "needs a definition under proxies"
        yield Mistake(("problem", "proxy"), what, repr(str(proxy)), document.at(("problem", "proxy")))
    for name, event in proxies.items() if isinstance(proxies, Mapping) else ():
        for key, only_of in (("observed_until", name == OUTCOME), ("variants", name != OUTCOME)):
            if isinstance(event, Mapping) and event.get(key) is not None and not only_of:
                what = (
                    "only the outcome says until when it was recorded"
                    if key == "observed_until"
                    else "the outcome has one definition"
                )
                yield Mistake(("proxies", name, key), what, "", document.at(("proxies", name, key)))
