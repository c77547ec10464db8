"""Stores: places where a log lies, one file each, named like the first scheme of the URLs it opens."""

from __future__ import annotations

from fieldguide.core.errors import ConfigError, listed
from fieldguide.core.online.log import LogStore, find_store, shown
from fieldguide.parts import find, names


def open_log(url: str, *, create: bool = True) -> LogStore:
    """Open a log by its URL: `sqlite:///predictions.db`, `postgresql://host/database`, or a path (SQLite).

    Args:
        create: make the log where there is none; False: a missing log is an error.

    Raises:
        ConfigError: no store opens such a URL.
        StudyError: the log is missing, cannot be opened, or is of another format.
    """
    scheme, url = find_store(url)
    for name in names("stores"):
        store = find("stores", name)
        if scheme in store.schemes:
            opened: LogStore = store(url, create=create)
            return opened
    raise ConfigError(
        f"no store opens {shown(url)}", rule="the scheme of the URL names the store",
        found=f"the scheme {scheme!r}; there are {listed(names('stores'))}", do="use sqlite:///FILE or postgresql://HOST/DATABASE",
    )  # fmt: skip
