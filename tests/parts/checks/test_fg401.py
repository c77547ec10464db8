"""FG401: encoded values out of range."""

from __future__ import annotations

import numpy as np
from check_cases import only, table_of

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.transform import Recipe
from fieldguide.parts.checks.fg401_out_of_range import OutOfRange
from fieldguide.testing import check_check

TABLE = table_of(age=[1.0, 2.0], pay=[1.0, 2.0])


def case(values, **recipe):
    layout = Layout(("age", "pay", "pay missing"))
    arrays = Batch(layout, {"numbers": np.array(values, np.float32), "codes": np.zeros((len(values), 0), np.int32)})
    return {"table": TABLE, "recipe": Recipe(**recipe), "layout": layout, "arrays": arrays}


def test_a_value_that_is_not_finite_is_an_error():
    finding = only(check_check(OutOfRange(), case([[0, np.nan, 1], [1, np.inf, 0]]), case([[0, 1, 1]])))
    assert finding.sentence == "2 encoded values are not finite, in 'pay'."
    assert (finding.severity, finding.columns) == ("error", ("pay",))


def test_a_far_value_warns():
    finding = only(OutOfRange().run(**case([[0, 80, 1]])))
    assert finding.sentence == "1 encoded number reaches beyond 50 after scaling: 'pay' up to 80."
    assert finding.severity == "warning"
    assert only(OutOfRange().run(**case([[0, 80, 1], *[[0, 0, 0]] * 1_999]))).severity == "info"


def test_kept_missing_values_and_unscaled_numbers_are_as_asked():
    finding = only(OutOfRange().run(**case([[0, np.nan, 1_000]], missing="keep", scaling="none")))
    assert finding.status == "not_applicable"
