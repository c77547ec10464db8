"""A second look that is killed after its model was written: the first model is kept once, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_case import PEOPLE

from conftest import small_study
from fieldguide.core.record import Record
from fieldguide.workflow import Study


def test_a_second_look_that_is_killed_before_it_is_recorded_keeps_the_first_model_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tmp_path / "study", PEOPLE, "bought", trials=0, networks=False)
    study.run()
    study.finalize()
    first = (study.folder / "model" / "evidence.json").read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Record, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            Study(study.folder).finalize("one row was wrong")
    again = Study(study.folder)
    assert again.finalize("one row was wrong")["scores"][0]["looks"] == 2
    assert len(again.seal.looks) == 2
    assert sorted(path.name for path in study.folder.glob("*model*")) == ["model", "model.1"]
    assert (study.folder / "model.1" / "evidence.json").read_bytes() == first
