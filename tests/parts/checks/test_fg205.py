"""FG205: rows used by nobody."""

from __future__ import annotations

from check_cases import only, roles_of, split_of, table_of

from fieldguide.parts.checks.fg205_purged_rows import PurgedRows
from fieldguide.testing import check_check

ROLES = roles_of(100)
TABLE = table_of(x=range(100))


def test_purged_rows_are_counted():
    quiet = {"table": TABLE, "split": split_of(ROLES, [98, 99])}
    finding = only(check_check(PurgedRows(), {"table": TABLE, "split": split_of(ROLES, [98, 99], purged=[5])}, quiet))
    assert finding.sentence == "1 row (1 %) is used by nobody: its group or content lies on the other side of the seal."
    assert finding.severity == "info"


def test_many_purged_rows_warn():
    split = split_of(ROLES, [98, 99], purged=range(30))
    assert only(PurgedRows().run(table=TABLE, split=split)).severity == "warning"
