"""The report: one self-contained page. Reads the facts of a study; decides nothing.

`facts` reads what was recorded, `story`, `failures` and `steps` turn it into blocks, `render` draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.documents.plan import FILE
from fieldguide.core.files.disk import writing

QUESTIONS = (
    ("trust", "Can the number be trusted?", "trust"), ("simple", "Does it beat simple?", "simple"),
    ("fails", "Where does it fail?", "fails"), ("unproven", "What is unproven?", "unproven"),
)  # fmt: skip
MOST_REFRESHES = 3


def report(
    study: Any,
    path: str | Path | None = None,
    *,
    experiments: Sequence[str | Path] = (),
    log: str | None = None,
    model: str | Path | None = None,
) -> Path:
    """Write the report of a study, or of an experiment: one HTML file that needs no network.

    Args:
        study: a `Study`, the path of its folder, or the path of an experiment's folder, which has a page of its own.
        path: where to write; default: `report.html` in the folder.
        experiments: folders of experiments, each a section of the page.
        log: URL of the log the model was served with; None: that of the last experiment, where it is a log.
        model: folder of the model that was served; None: the study's `model`, where there is one.

    Returns:
        the path written.

    Raises:
        StudyError: the folder is not a study, there is no such log, or the page cannot be written.

    Examples:
        >>> import tempfile, fieldguide as fg
        >>> rows = {"x": [i * 7 % 60 for i in range(60)], "y": [i % 2 for i in range(60)]}
        >>> study = fg.Study.create(rows, target="y", out=tempfile.mkdtemp() + "/study")
        >>> _ = study.split()
        >>> report(study).name
        'report.html'
    """
    from fieldguide.faces.report import render
    from fieldguide.workflow import Study

    if isinstance(study, str | Path) and (Path(study) / FILE).exists():
        folder, drawn = Path(study), content_of_experiments([study, *experiments], log, model)
    else:
        study = Study(study) if isinstance(study, str | Path) else study
        folder, drawn = Path(study.folder), content(study, experiments, log, model)
    path = folder / "report.html" if path is None else Path(path)
    page = render.page(drawn)
    draft = path.with_name(path.name + ".writing")
    try:
        with writing(path, "a report is whole or not there"):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(page, encoding="utf-8")
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def content(
    study: Any, experiments: Sequence[str | Path] = (), log: str | None = None, model: str | Path | None = None
) -> dict[str, Any]:
    """Return the page of a study as plain data: header, the four questions, a section per step, what is known online."""
    from fieldguide.faces.report.compared import simple
    from fieldguide.faces.report.facts import BEFORE, BESIDE, STEPS, recorded
    from fieldguide.faces.report.failures import failures
    from fieldguide.faces.report.steps import section
    from fieldguide.faces.report.story import header, trust, unproven

    r = recorded(study)
    answers = {"trust": trust, "simple": simple, "fails": failures, "unproven": unproven}
    questions = [
        {"id": key, "title": title, "number": i, "blocks": answers[name](r)}
        for i, (key, title, name) in enumerate(QUESTIONS, 1)
    ]
    before, beside = ([step for step in steps if r.done(step)] for steps in (BEFORE, BESIDE))
    steps = [*before, *STEPS, *beside]
    drawn = [section(r, step) for step in steps]
    own = Path(study.folder) / "model"
    served = model if model is not None else own if own.exists() else None
    if not experiments and log is None:
        return {"header": header(r), "questions": questions, "steps": drawn, "online": _retrained(served)}
    training = None if served is None else study.material.seen.frame
    return {
        "header": header(r),
        "questions": questions,
        "steps": drawn,
        "online": _online(experiments, log, served, training),
    }


def content_of_experiments(
    folders: Sequence[str | Path], log: str | None = None, model: str | Path | None = None
) -> dict[str, Any]:
    """Return the page of an experiment as plain data; further experiments are sections of it."""
    from fieldguide.faces.report.experiments import experiment_of, header

    return {
        "header": header(experiment_of(folders[0])),
        "questions": [],
        "steps": [],
        "online": _online(folders, log, model, None),
    }


def _online(
    folders: Sequence[str | Path], log: str | None, model: str | Path | None, training: Any
) -> list[dict[str, Any]]:
    """Return the sections on experiments, then those on the log."""
    from fieldguide.faces.report.experiments import experiment_of, section
    from fieldguide.faces.report.facts import alone
    from fieldguide.faces.report.steps import section as step_section
    from fieldguide.steps.online.online import online
    from fieldguide.steps.online.traffic import is_log

    found = [experiment_of(folder) for folder in folders]
    sections = [section(one) for one in found]
    place = log if log is not None or not found else found[-1].plan.of_log()
    if place is None or not is_log(place):
        return [*sections, *_retrained(model)]
    results = online(str(place), None if model is None else Path(model), training)
    return [*sections, *(step_section(alone(result), result.step) for result in results), *_retrained(model)]


def _retrained(model: str | Path | None) -> list[dict[str, Any]]:
    """Return a section for each of the last refreshes of a model that stand recorded beside it, the newest first."""
    from fieldguide.faces.report.facts import alone
    from fieldguide.faces.report.steps import section
    from fieldguide.steps.online.refresh import refreshes

    found = [] if model is None else refreshes(Path(model))
    return [section(alone(result), "refresh") for result in reversed(found[-MOST_REFRESHES:])]


def result_html(result: Any) -> str:
    """Return the section of one step's result, for notebooks: charts are drawn as SVG, nothing is scripted."""
    from fieldguide.faces.report import render
    from fieldguide.faces.report.facts import alone
    from fieldguide.faces.report.steps import section

    return render.section(section(alone(result), result.step))
