"""FG108: what is learned is a proxy, not the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, percent, verb


@dataclass(frozen=True)
class ProxyTarget:
    """The study learns an event that stands for the outcome, and `study.yaml` may not have chosen which.

    Formula: of the candidates under `proxies` the one that `problem.proxy` names; else the one with the most rows on its
    rarer side, min(n · rate, n · (1 − rate)): of two labels it teaches most. Every column that a proxy or the outcome is
    made of is left out of the features, times, groups and keys that `data` declares excepted.

    Why: a proxy is easier to have than the outcome and less to the point. Which one is learned decides what the model is
    good at, and everything an event is made of is known only afterwards: as a feature it would give the label away.

    Remedy: set `problem.proxy` together with the product owner; `explore` compares the candidates on development rows.
    `data.columns.<name>: feature` keeps a column that is known at prediction time after all.

    Needs: learned (the proxy and how it was chosen, or None), afterwards: names of columns left out.
    """

    name: ClassVar[str] = "fg108_proxy_target"
    code: ClassVar[str] = "FG108"
    title: ClassVar[str] = "A proxy is learned"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, learned: Any, afterwards: Sequence[str]) -> list[Finding]:
        left = ""
        if afterwards:
            n = len(afterwards)
            left = (
                f" {count(n, 'column')} that events are made of {verb(n, 'is', 'are')} left out: {names(afterwards)}."
            )
        if learned is None and not afterwards:
            return [not_applicable(self, "The target is named, and no events are declared.")]
        evidence = {"afterwards": list(afterwards), "proxy": None if learned is None else learned.to_dict()}
        keep = "Declare data.columns.<name>: feature for a column that is known when the prediction is made."
        if learned is None:
            return [fire(self, left.strip(), keep, severity="info", columns=afterwards, evidence=evidence)]
        share = learned.shares.get(learned.name)
        rate = f", yes in {percent(share)} of the rows" if share is not None else ""
        told = f"The proxy {learned.name!r}{rate}, is learned, one of {count(learned.n, 'candidate')}"
        sentence = f"{told}: {learned.why}.{left}"
        remedy = (
            f"Set problem.proxy: {learned.name}, or another, once the product owner has agreed."
            if learned.guessed
            else keep
        )
        severity: Severity = "warning" if learned.guessed else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=afterwards, evidence=evidence)]
