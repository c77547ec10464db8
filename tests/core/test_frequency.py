"""Steps of series: fixed, monthly, on weekdays."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.series.frequency import DAY, HOUR, Frequency, frequency_of


def moments(dates) -> np.ndarray:
    return np.asarray(dates, "datetime64[us]").astype(np.int64)


MONTHS = np.arange("1949-01", "1961-01", dtype="datetime64[M]")
DAYS = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
CASES = {
    "hours": (
        moments(np.arange("2020-01-01T00", "2020-02-01T00", dtype="datetime64[h]")),
        Frequency("microseconds", HOUR),
        "1 hour",
    ),
    "days": (moments(DAYS), Frequency("microseconds", DAY), "1 day"),
    "weeks": (moments(DAYS[::7]), Frequency("microseconds", 7 * DAY), "1 week"),
    "weekdays": (moments(DAYS[np.is_busday(DAYS)]), Frequency("weekdays", 1), "1 weekday"),
    "months": (moments(MONTHS), Frequency("months", 1), "1 month"),
    "month ends": (moments((MONTHS + 1).astype("datetime64[D]") - 1), Frequency("months", 1), "1 month"),
    "quarters": (moments(MONTHS[::3]), Frequency("months", 3), "3 months"),
    "years": (moments(np.arange("1700", "1800", dtype="datetime64[Y]")), Frequency("months", 12), "1 year"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_found_and_its_grid_is_the_times_themselves(case):
    times, expected, words = CASES[case]
    found = frequency_of(times, np.array([0, len(times)]))
    assert found == (expected, 1.0)
    assert expected.words == words
    np.testing.assert_array_equal(expected.after(int(times[0]), np.arange(len(times))), times)
    numbers, off = expected.numbers(times)
    assert (np.diff(numbers) == 1).all() and (off < 1e-6).all()
    assert Frequency.from_dict(expected.to_dict()) == expected


def test_gaps_do_not_hide_the_step_and_times_between_steps_are_counted():
    hours = np.arange(200) * HOUR
    kept = np.delete(hours, [5, 6, 7, 50, 120])
    assert frequency_of(kept, np.array([0, len(kept)])) == (Frequency("microseconds", HOUR), 1.0)
    kept[3] += HOUR // 3
    step, share = frequency_of(kept, np.array([0, len(kept)]))
    assert step.n == HOUR and share == pytest.approx(194 / 195)


def test_one_time_has_no_step():
    assert frequency_of(np.array([5, 9]), np.array([0, 1, 2])) is None


def test_usual_seasons():
    assert Frequency("microseconds", HOUR).seasons == (24, 168)
    assert Frequency("microseconds", DAY).seasons == (7, 365)
    assert Frequency("microseconds", 7 * DAY).seasons == (52,)
    assert Frequency("months", 1).seasons == (12,)
    assert Frequency("months", 3).seasons == (4,)
    assert Frequency("months", 12).seasons == ()
    assert Frequency("weekdays", 1).seasons == (5, 260)
    assert Frequency("microseconds", 15 * 60_000_000).seasons == (96, 672)
