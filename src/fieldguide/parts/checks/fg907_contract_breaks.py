"""FG907: requests that broke the model's contract and were not answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, passed, percent


@dataclass(frozen=True)
class ContractBreaks:
    """Rows that were refused because a cell or a column broke the model's contract.

    Formula: refused rows / (refused + answered rows) in the time that is looked at; fires from 0.5 % and 10 rows on, as a warning
    from 5 %. Of a request with many broken cells the first 20 are counted.

    Why: a refused row got no answer, and whoever asked did something else instead. The answered rows are then no sample of those
    who asked, and no comparison of arms on them is fair.

    Remedy: the refusals say row, column, rule and value: mend what is sent, or package a model whose contract takes it.

    Needs: refused, n_answered.
    """

    name: ClassVar[str] = "fg907_contract_breaks"
    code: ClassVar[str] = "FG907"
    title: ClassVar[str] = "Requests refused by contract"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.005, "share of refused rows from which it is said")
    large: float = setting(0.05, "share of refused rows from which it is a warning")

    def run(self, *, refused: pl.DataFrame, n_answered: int) -> list[Finding]:
        n = refused.select("request", "row").unique().height
        share = n / max(1, n + n_answered)
        columns = refused["column"].drop_nulls().value_counts(sort=True)
        evidence = {"n_refused": n, "n_answered": n_answered, "columns": dict(columns.iter_rows())}
        if n < 10 or share < self.least:
            return [passed(self, f"{count(n, 'row')} of {n + n_answered:,} broke the contract.", evidence=evidence)]
        order = columns["column"].to_list()
        first = refused.filter(pl.col("column") == order[0])[0] if order else refused[0]
        times = refused["time"].sort()
        sentence = (
            f"{count(n, 'row')} ({percent(share)}) broke the contract and got no answer, from {times[0]:%Y-%m-%d %H:%M} to "
            f"{times[-1]:%Y-%m-%d %H:%M}"
        )
        if order:
            value = f", not {first['value'][0]}" if first["value"][0] else ""
            sentence += f", mostly by {names(order)}: a cell must be {first['rule'][0]}{value}"
        severity: Severity = "warning" if share >= self.large else "info"
        remedy = "Mend what is sent: the log's refusals say row, column, rule and value."
        return [fire(self, sentence + ".", remedy, severity=severity, columns=order, evidence=evidence)]
