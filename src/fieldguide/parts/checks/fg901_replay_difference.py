"""FG901: logged values do not give the logged answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed, percent


@dataclass(frozen=True)
class ReplayDifference:
    """Logged values, handed to the offline path, give other answers than were served.

    Formula: every logged row is answered again by the model in the folder, from the cells as the server logged them. An answer
    differs when any of its numbers is further than the stated tolerance (relative to 1 + |answer|) from the logged one.
    Derived columns are computed again from the columns they are made of, and must be equal.

    Why: model, rows and code are the same, so the answers must be. Where they are not, another model, another package version
    or another code path answered online, and nothing measured offline holds for it.

    Remedy: compare model hash and package versions of the server with those offline; replay on the server's machine; package the
    model again if a package changed its arithmetic.

    Needs: replayed (n, n_exact, n_beyond, largest, tolerance, example, columns).
    """

    name: ClassVar[str] = "fg901_replay_difference"
    code: ClassVar[str] = "FG901"
    title: ClassVar[str] = "Logged values give other answers offline"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "error"

    def run(self, *, replayed: Mapping[str, Any]) -> list[Finding]:
        n, beyond, columns = replayed["n"], replayed["n_beyond"], replayed["columns"]
        evidence = {name: replayed[name] for name in ("n", "n_exact", "n_beyond", "largest", "tolerance", "example")}
        evidence["columns"] = columns
        if not n:
            return [not_applicable(self, "The log holds no answer of this model in this time.")]
        if not beyond and not columns:
            sentence = (
                f"Logged values give the logged answers: {count(replayed['n_exact'], 'row')} of {n:,} bit for bit, all within "
                f"{number(replayed['tolerance'])}."
            )
            return [passed(self, sentence, evidence=evidence)]
        said = []
        if beyond:
            said.append(
                f"{count(beyond, 'answer')} of {n:,} ({percent(beyond / n)}) differ when the logged values are answered again, by up "
                f"to {number(replayed['largest'])} (prediction {replayed['example']})"
            )
        if columns:
            worst = max(columns, key=lambda name: columns[name]["n"])
            said.append(
                f"the derived {names(columns)} are computed otherwise offline, {worst!r} in {count(columns[worst]['n'], 'row')}"
            )
        sentence = " and ".join(said) + "."
        remedy = "Compare the server's model hash and package versions with those offline, and replay on the server's machine."
        return [fire(self, sentence[0].upper() + sentence[1:], remedy, columns=columns, evidence=evidence)]
