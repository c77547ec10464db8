"""FG317: words of the target in categories and texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from check_cases import only, problem_of, regression, table_of

from fieldguide.core.table import Table
from fieldguide.parts.checks.fg317_words_of_the_target import WordsOfTheTarget, _same_stem
from fieldguide.testing import check_check

N = 600
RNG = np.random.default_rng(0)
LABEL = (RNG.random(N) < 0.3).astype(int)
OTHER = RNG.choice(["called twice", "asked for a price", "moved house", "wants the catalogue"], N)
LABELS = ("active", "cancelled")


def case(notes, truth=LABEL, labels=LABELS, kind="category", name="sold", problem=None):
    table = table_of(notes=list(notes), x=RNG.normal(size=N))
    table = Table(table.frame, (replace(table.columns[0], kind=kind), table.columns[1]))
    task = "binary" if len(labels) == 2 else "multiclass"
    problem = problem or problem_of(task, "log_loss", labels)
    problem = replace(problem, outputs=(replace(problem.output, name=name),))
    return {"table": table, "problem": problem, "truths": (truth,)}


def written(word, share, truth=LABEL, code=1):
    return [f"{word} by user" if t == code and r < share else o for t, r, o in zip(truth, RNG.random(N), OTHER)]


def test_the_label_in_the_notes_of_most_rows_leaves_the_column_out():
    finding = only(check_check(WordsOfTheTarget(), case(written("CANCELLED", 0.8)), case(OTHER)))
    assert finding.sentence.startswith("'cancelled' in 'notes' goes with 'cancelled' in 100 % of ")
    assert finding.evidence["exclude"] == ["notes"]
    assert finding.remedy.endswith("then set data.columns.notes: feature.")


def test_the_label_in_a_few_notes_is_named():
    finding = only(WordsOfTheTarget().run(**case(written("cancellation", 0.3))))
    assert finding.severity == "warning" and "exclude" not in finding.evidence
    assert finding.remedy == "Ask when 'notes' was written; if after the outcome, set data.columns.notes: ignore."


def test_the_name_of_the_target_counts_for_its_positive_class():
    finding = only(WordsOfTheTarget().run(**case(written("refund", 0.6), labels=("0", "1"), name="was_refunded")))
    assert finding.evidence["exclude"] == ["notes"]


def test_a_word_that_both_classes_use_says_nothing():
    notes = [f"cancel {o}" if r < 0.5 else o for o, r in zip(OTHER, RNG.random(N))]
    assert only(WordsOfTheTarget().run(**case(notes))).status == "passed"


def test_a_subject_called_by_its_name_in_free_text_is_a_note():
    labels = ("hockey", "space", "medicine")
    truth = RNG.integers(0, 3, N)
    notes = written("hockey", 0.3, truth, 0)
    assert only(WordsOfTheTarget().run(**case(notes, truth, labels, "text"))).severity == "info"


def test_any_word_that_tells_nearly_all_is_named_in_free_text():
    finding = only(WordsOfTheTarget().run(**case(written("terminated", 0.95), kind="text")))
    assert finding.severity == "warning" and "exclude" not in finding.evidence


def test_other_words_in_a_category_are_left_to_other_checks():
    assert only(WordsOfTheTarget().run(**case(written("terminated", 0.95)))).status == "passed"


def test_an_exact_recoding_is_left_to_another_check():
    notes = np.where(LABEL == 1, "cancelled", "open")
    assert only(WordsOfTheTarget().run(**case(notes))).status == "passed"


def test_values_and_numbers_have_no_words():
    assert (
        only(WordsOfTheTarget().run(**case(OTHER, RNG.normal(size=N), (), problem=regression()))).status
        == "not_applicable"
    )
    only_numbers = {**case(OTHER), "table": table_of(x=RNG.normal(size=N))}
    assert only(WordsOfTheTarget().run(**only_numbers)).sentence == "No column holds words."


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("cancelled", "cancels", True),
        ("spam", "spam", True),
        ("spam", "spammer", False),
        ("survived", "surgery", False),
    ],
)
def test_stems(one, two, same):
    assert _same_stem(one, two) is same is _same_stem(two, one)
