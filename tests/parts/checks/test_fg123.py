"""FG123: coverage below the floor."""

from __future__ import annotations

import numpy as np
from check_cases import only
from contract_cases import cells, held, people

from fieldguide.parts.checks.fg123_contract_coverage import ContractCoverage
from fieldguide.testing import check_check

SAID = {"age": {"coverage": 0.95, "default": -1}}


def test_missing_cells_and_the_default_do_not_count():
    age = cells()["age"]
    age[:40], age[40:80] = np.nan, -1.0
    table = people(age=[None if np.isnan(value) else value for value in age])
    finding = only(check_check(ContractCoverage(), {"contract": held(SAID, table=table)}, {"contract": held(SAID)}))
    assert (
        finding.sentence
        == "'age' has a value in 80 % of 400 rows, the default -1.0 not counted; the contract promises 95 %."
    )
    assert finding.evidence == {"coverage": 0.8, "floor": 0.95, "n_known": 320}


def test_a_table_at_its_floor_is_quiet():
    fired = 0
    for seed in range(100):
        known = np.random.default_rng(seed).random(400) < 0.95
        table = people(age=[value if there else None for value, there in zip(cells()["age"], known)])
        fired += any(finding.fired for finding in ContractCoverage().run(contract=held(SAID, table=table)))
    assert fired <= 1


def test_a_feature_that_must_be_there_always():
    table = people(age=[None, *cells()["age"][1:]])
    assert only(ContractCoverage().run(contract=held({"age": {"coverage": 1}}, table=table))).fired
