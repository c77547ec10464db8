"""What a disk refuses is one message; what is no affair of a disk goes by unchanged."""

from __future__ import annotations

import errno

import polars as pl
import pytest

from fieldguide.core.errors import StudyError
from fieldguide.core.files.disk import disk_error, is_full, writing


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_full_whoever_says_so(code: int) -> None:
    assert is_full(OSError(code, "so says the system"))
    assert is_full(pl.exceptions.ComputeError(f"cannot write (os error {code})"))


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "denied"), ValueError("os error 280"), ValueError("28")])
def test_what_is_not_full_is_not_called_so(error: Exception) -> None:
    assert not is_full(error)


def test_a_refusal_names_path_rule_and_what_to_do() -> None:
    with pytest.raises(StudyError) as caught, writing("study/a.json", "it is written whole"):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert str(caught.value) == (
        "study/a.json could not be read or written. Rule: it is written whole. Found: Permission denied. "
        "Do: check the path and its permissions, then run the same command again: it resumes."
    )
    assert isinstance(caught.value.__cause__, PermissionError)


def test_errors_of_polars_that_come_from_the_system_are_told_alike() -> None:
    with (
        pytest.raises(StudyError, match=r"the disk is full: x could not be written\. Found: No space left"),
        writing("x"),
    ):
        raise pl.exceptions.ComputeError("No space left on device\nat a place of theirs")
    with (
        pytest.raises(StudyError, match=r"x could not be read or written\. Found: denied \(OS Error 13\)\."),
        writing("x"),
    ):
        raise pl.exceptions.ComputeError("denied (OS Error 13)")


def test_another_error_goes_by_as_it_is() -> None:
    with pytest.raises(pl.exceptions.ComputeError, match="of another length"), writing("x"):
        raise pl.exceptions.ComputeError("a column of another length")
    assert "Rule:" not in str(disk_error(OSError(5, "I/O error"), "x"))
