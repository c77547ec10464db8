"""The report: one self-contained page. Reads the facts of a study; decides nothing.

`facts` reads what was recorded, `story`, `failures` and `steps` turn it into blocks, `render` draws them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldguide.core.disk import writing

QUESTIONS = (
    ("trust", "Can the number be trusted?", "trust"), ("simple", "Does it beat simple?", "simple"),
    ("fails", "Where does it fail?", "fails"), ("unproven", "What is unproven?", "unproven"),
)  # fmt: skip


def report(study: Any, path: str | Path | None = None) -> Path:
    """Write the report of a study: one HTML file that needs no network.

    Args:
        study: a `Study`, or the path of its folder.
        path: where to write; default: `report.html` in the study's folder.

    Returns:
        the path written.

    Raises:
        StudyError: the folder is not a study, or the page cannot be written.

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

    study = Study(study) if isinstance(study, str | Path) else study
    path = Path(study.folder) / "report.html" if path is None else Path(path)
    page = render.page(content(study))
    draft = path.with_name(path.name + ".writing")
    try:
        with writing(path, "a report is whole or not there"):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(page, encoding="utf-8")
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def content(study: Any) -> dict[str, Any]:
    """Return the page of a study as plain data: header, the four questions, a section per step."""
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
    return {"header": header(r), "questions": questions, "steps": [section(r, step) for step in steps]}


def result_html(result: Any) -> str:
    """Return the section of one step's result, for notebooks: charts are drawn as SVG, nothing is scripted."""
    from fieldguide.faces.report import render
    from fieldguide.faces.report.facts import alone
    from fieldguide.faces.report.steps import section

    return render.section(section(alone(result), result.step))
