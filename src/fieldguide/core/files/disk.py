"""Files that cannot be written: one message for a full disk, a missing permission and what else a disk says.

Knows the errors of the system, of Polars and of safetensors; what is written, and whether it may be half there, is the
business of whoever writes.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldguide.core.errors import StudyError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk, or one's share of it, is full.

    Examples:
        >>> is_full(OSError(errno.ENOSPC, "No space left on device")), is_full(PermissionError(13, "denied"))
        (True, False)
    """
    text = str(error)
    return (
        getattr(error, "errno", None) in _FULL
        or "no space" in text.lower()
        or re.search(rf"os error ({'|'.join(map(str, _FULL))})\b", text) is not None
    )


def disk_error(error: BaseException, path: Path | str, rule: str = "") -> StudyError:
    """Return the message for a file that cannot be read or written.

    Examples:
        >>> print(disk_error(OSError(errno.ENOSPC, "No space left on device"), "a.json"))
        the disk is full: a.json could not be written. Found: No space left on device. Do: free some space, then run the same command again: it resumes.
    """
    if is_full(error):
        return StudyError(
            f"the disk is full: {path} could not be written", rule=rule, found=_said(error),
            do="free some space, then run the same command again: it resumes",
        )  # fmt: skip
    return StudyError(
        f"{path} could not be read or written", rule=rule, found=_said(error),
        do="check the path and its permissions, then run the same command again: it resumes",
    )  # fmt: skip


@contextmanager
def writing(path: Path | str, rule: str = "") -> Iterator[None]:
    """Turn what fails while `path` is written into one StudyError.

    Raises:
        StudyError: the disk is full, or the place may not be written.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error, path, rule) from error
    except Exception as error:
        # Polars and safetensors have errors of their own for what the system told them.
        if not is_full(error) and "os error" not in str(error).lower():
            raise
        raise disk_error(error, path, rule) from error


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]
