"""The report in a real browser, and without one: what it shows, what it must never show, and that data stay data."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fieldguide as fg
from fieldguide.core.finding import Finding
from fieldguide.core.result import Result
from fieldguide.faces.report import charts, content, render, report, result_html
from fieldguide.faces.report.blocks import table
from fieldguide.faces.report.compared import near
from fieldguide.faces.report.facts import STEPS, Recorded, at, recorded
from fieldguide.faces.report.failures import _ratios
from fieldguide.faces.report.figures import decimals_for, moment, number, seconds, span
from fieldguide.faces.report.pictures import worst
from fieldguide.faces.report.prepare import _recipe
from fieldguide.faces.report.story import _about, header, seal
from fieldguide.faces.report.trials import _ledger

CHROMIUM = Path("/usr/bin/chromium")
EVIL = "<script>alert(1)</script>"
QUOTED = """a"b'c </script><img src=x onerror=alert(2)>"""

browser_tests = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason="needs /usr/bin/chromium and the playwright package (apt-get install chromium; pip install 'fieldguide[dev]')",
)


def rows(n: int = 150) -> dict[str, list[Any]]:
    """Two numbers that tell the target, a hostile column name, hostile labels and levels."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=n), rng.normal(size=n)
    y = x + 0.5 * z + 0.7 * rng.normal(size=n) > 0
    return {
        "x": x.tolist(), EVIL: z.tolist(), "level": [QUOTED if v else "plain" for v in rng.random(n) > 0.5],
        "seen": [f"2024-0{1 + i % 9}-{1 + i % 28:02d}" for i in range(n)],
        "target": [QUOTED if v else "no" for v in y],
    }  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> fg.Study:
    """A small study through finalize; its page before finalize is kept beside it as before.html."""
    folder = tmp_path_factory.mktemp("report") / "study"
    made = fg.Study.create(rows(), target="target", out=folder, goal="Find the <b>bold</b>")
    text = (folder / "study.yaml").read_text().replace("budget: {trials: 30, minutes: 10}", "budget: {trials: 2}")
    text += "split: {validation: 0.3}\nslices: [level]\nthreads: 1\nlearners: {use: [prior, linear, boosting, mlp]}\n"
    (folder / "study.yaml").write_text(text)
    made = fg.Study(folder)
    made.run()
    report(made, folder / "before.html")
    made.finalize()
    return made


@pytest.fixture(scope="module")
def page(study: fg.Study) -> Path:
    return report(study)


def specs_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="specs">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])["charts"]


# --- without a browser -------------------------------------------------------------------------------------------------


def test_the_page_is_one_small_file_without_addresses_to_load(page: Path) -> None:
    text = page.read_text()
    assert page.name == "report.html"
    assert page.stat().st_size < 3_000_000
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=[\"']?https?:", text)
    policy = html.unescape(re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)[0])
    assert (
        policy.startswith("default-src 'none'; script-src 'sha256-")
        and "unsafe" not in policy.split("script-src")[1].split(";")[0]
    )


def test_the_four_questions_stand_before_the_steps(page: Path) -> None:
    text = page.read_text()
    order = [
        text.index(f'id="{name}"')
        for name in ("asked", "trust", "simple", "fails", "unproven", *(f"step-{s}" for s in STEPS))
    ]
    assert order == sorted(order)
    assert "Can the number be trusted?" in text and "What is unproven?" in text


def test_the_test_score_stands_with_interval_rows_and_looks(study: fg.Study, page: Path) -> None:
    score = {r.step: r for r in study.results()}["finalize"]["scores"][0]
    head = header(recorded(study))["number"]
    places = decimals_for([score["interval"]])
    assert head["final"] and head["value"] == number(score["value"], places)
    assert head["interval"] == span(score["interval"], places) and head["rows"] == f"{score['n']} sealed test rows"
    assert f'<p class="value">{head["value"]}</p>' in page.read_text()
    assert "Seal opened once" in page.read_text()


def test_before_finalize_no_test_number_appears_and_the_page_says_what_is_missing(study: fg.Study) -> None:
    text = (study.folder / "before.html").read_text()
    assert (
        "Seal closed" in text
        and "not a test score" in text
        and "No test score: the seal is closed until finalize." in text
    )
    assert "Not run yet: finalize" in text and "sealed test rows" not in text and "test (sealed)" not in text
    final = {r.step: r for r in study.results()}["finalize"]
    assert f"{final['scores'][0]['value']}" not in text


def test_a_study_of_which_only_the_frame_is_known_has_a_page(tmp_path: Path) -> None:
    made = fg.Study.create(rows(60), target="target", out=tmp_path / "s")
    made.frame()
    text = report(tmp_path / "s", tmp_path / "elsewhere" / "page.html").read_text()
    assert "No candidate has been judged yet: run baseline." in text and "No test set is sealed yet: run split." in text
    assert "Not run yet: split, explore, prepare, baseline, train, refine, finalize" in text


def test_data_stay_data(page: Path) -> None:
    text = page.read_text()
    assert EVIL not in text and "onerror=alert" not in text.replace("onerror=alert(2)&gt;", "").replace(
        "onerror=alert(2)\\u003e", ""
    )
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "Find the &lt;b&gt;bold&lt;/b&gt;" in text
    assert (
        len(re.findall(r"<script\b", text.split("<body>")[1].split("const n=")[0])) == 2
    )  # the facts, then the bundle


def test_json_inside_a_script_cannot_end_it() -> None:
    text = render._json({"c0": {"title": "</script><!--\u2028&", "low": float("nan")}})
    assert "<" not in text and ">" not in text and "&" not in text and "\u2028" not in text
    assert json.loads(text)["charts"]["c0"] == {"title": "</script><!--\u2028&", "low": None}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_a_section_of_its_own_without_scripts(study: fg.Study, step: str) -> None:
    result = {r.step: r for r in study.results()}[step]
    text = result_html(result)
    assert f"<h2>{step}</h2>" in text and "<script" not in text and EVIL not in text
    assert result.to_html() == text
    if step in ("split", "explore", "baseline", "train"):
        assert "<svg" in text


def test_every_finding_shows_code_anchor_icon_and_word(page: Path, study: fg.Study) -> None:
    text = page.read_text()
    for finding in (f for r in study.results() for f in r.findings):
        assert f"findings/#{finding.code.lower()}" in text
    for mark in ("✔</span> Passed", "○</span> Not applicable", "●</span> Note"):
        assert mark in text


def test_two_looks_are_shown_with_their_reasons() -> None:
    looks = [
        {"time": "2026-01-02T03:04:05.000+00:00", "by": "finalize", "reason": ""},
        {"time": "2026-01-03T03:04:05.000+00:00", "by": "finalize", "reason": "a wrong label was fixed"},
    ]
    found = seal(Recorded("s", {}, looks, True))
    assert (
        found["title"] == "Seal opened 2 times"
        and found["tone"] == "many"
        and found["looks"][1]["reason"] == "a wrong label was fixed"
    )
    assert found["looks"][0]["time"] == "2026-01-02 03:04 UTC"
    assert seal(Recorded("s", {}, looks[:1], True))["words"].endswith("no finalize is recorded.")


def test_wide_and_long_data_are_cut_and_counted() -> None:
    names = [f"c{i}" for i in range(300)]
    profile = {
        name: {"kind": "number", "n": 9, "missing": 3, "histogram": {"edges": [0, 1], "counts": [6]}, "quantiles": {}}
        for name in names
    }
    facts = {"columns": profile, "samples": [dict.fromkeys(names, "v" * 500)], "targets": [], "metrics": []}
    text = result_html(Result("explore", facts))
    assert "40 of 300 columns are drawn" in text and "40 of 300 columns shown." in text and "v" * 121 not in text
    assert "33.3 % missing" in text
    assert table([{"name": "a", "num": False}], [["x"]] * 50)["note"] == "40 of 50 rows shown."


def test_facts_that_are_absent_leave_a_section_not_a_crash() -> None:
    for step in STEPS:
        text = result_html(Result(step, {}, (Finding("FG999", "warning", "Something <i>odd</i>."),)))
        assert "▲</span> Warning" in text and "Something &lt;i&gt;odd&lt;/i&gt;." in text


def test_the_recipe_says_what_concerns_the_columns_of_the_table(page: Path) -> None:
    words = page.read_text().split('id="step-prepare"')[1].split("What a learner receives")[0]
    assert all(f"<dt>{name}</dt>" in words for name in ("scaling", "missing", "max levels", "dates"))
    assert not any(f"<dt>{name}</dt>" in words for name in ("pixels", "mel bands", "tokeniser", "n steps"))
    assert _recipe({"n_steps": 0, "flip": False}, {"series", "image"}) == [("n steps", "0"), ("flip", "no")]


def test_a_look_that_finalize_did_not_take_is_not_called_a_closed_seal() -> None:
    score = {"output": "y", "metric": "roc_auc", "value": 0.8, "interval": [0.7, 0.9], "n": 40, "rows": "validation"}
    result = Result("baseline", {"entries": [{"candidate": "linear", "scores": [score]}], "bar": "linear"}, ())
    r = Recorded(
        "s", {"baseline": result}, [{"time": "2026-01-01", "by": "evaluate x.csv", "reason": ""}], True, "roc_auc"
    )
    assert "finalize has not run" in header(r)["number"]["note"] and "closed" not in header(r)["number"]["note"]
    assert header(r)["seal"]["title"] == "Seal opened once"


def test_the_ledger_says_in_what_trials_differ_and_once_what_they_share() -> None:
    moves = [
        {
            "candidate": f"mlp {i}",
            "learner": "mlp",
            "settings": {"width": width, "depth": 3},
            "recipe": {"dates": "parts"},
        }
        for i, width in enumerate((64, 128))
    ]
    (drawn,) = _ledger([*moves, {"candidate": "tabm", "learner": "tabm", "settings": {"k": 8}}])
    lines, shared = drawn["blocks"]
    assert [row[-1]["text"] for row in lines["rows"]] == ["width 64", "width 128", "k 8"]
    assert shared["text"] == "All trials of mlp: dates parts, depth 3."


def test_a_size_that_cannot_be_seen_is_not_told_as_nothing() -> None:
    assert (_about(0.00004, 3), _about(0.0094, 3)) == ("less than 0.001", "about 0.009")


@pytest.mark.parametrize(
    ("task", "told"), [("multiclass", True), ("ordinal", True), ("binary", False), ("multilabel", False)]
)
def test_the_ratio_of_several_classes_is_that_of_answers(task: str, told: bool) -> None:
    framed = Result("frame", {"problem": {"outputs": [{"name": "kind", "task": task, "labels": ["a", "b", "c"]}]}})
    source = {
        "calibration": [{"output": "kind", "ratio": 1.1, "interval": [1.0, 1.2], "error": 0.1, "ratios": {"a": 1.0}}]
    }
    note = _ratios(Recorded("s", {"frame": framed}), source)["note"]
    assert note.startswith("Ratio: sum of predictions / sum of labels;") and ("share of right answers" in note) is told


def test_a_long_number_is_cut_in_a_caption() -> None:
    row = {
        "truth": "happy",
        "answer": "angry",
        "inputs": {
            "voice": {"kind": "audio", "name": "a.wav", "source": "data:,"},
            "price": {"text": "15.777802211652789"},
            "zip": {"text": "007"},
        },
    }
    assert worst({"worst": [row]})[-1]["items"][0]["lines"] == [
        "truth happy",
        "answer angry",
        "a.wav",
        "price: 15.78",
        "zip: 007",
    ]


def test_each_of_few_trials_is_a_tick() -> None:
    rows = [
        {"trial": i, "score": 0.5, "learner": "mlp", "stage": "coach", "best": 0.5, "strength": 1, "label": ""}
        for i in (1, 2, 3)
    ]
    assert charts.search(rows, "score")["layer"][0]["encoding"]["x"]["axis"]["values"] == [1, 2, 3]


def test_candidates_far_behind_are_not_drawn() -> None:
    made = [
        (0.91, "a", "boosting"),
        (0.90, "b", "network"),
        (0.89, "c", "simple"),
        (0.5, "d", "simple"),
        (0.2, "e", "network"),
    ]
    entries = [
        {"candidate": name, "kind": kind, "scores": [{"value": v, "interval": [v - 0.01, v + 0.01]}]}
        for v, name, kind in made
    ]
    assert [e["candidate"] for e in near(entries)] == ["a", "b", "c"]
    entries[1]["scores"][0]["value"] = 0.3  # the best network is drawn however far behind
    assert "b" in [e["candidate"] for e in near(entries)]


def test_charts_use_only_our_field_names() -> None:
    spec = charts.bars([{"name": EVIL, "value": 1, "label": QUOTED}], None)
    fields = re.findall(r'"field": "([^"]*)"', json.dumps(spec))
    assert set(fields) <= {"name", "value", "label"}
    assert EVIL not in json.dumps({key: part for key, part in spec.items() if key not in ("data", "encoding")})


def test_figures_read_as_people_write_them() -> None:
    assert [number(v) for v in (32561, 0.92914, -0.0000123, float("nan"), None, True, -3.0)] == [
        "32,561",
        "0.9291",
        "\u22120.0000123",
        "–",
        "–",
        "True",
        "\u22123",
    ]
    assert number(-0.0001, 2) == "0.00" and number(0.004, 3, sign=True) == "+0.004"
    assert span([0.9, None]) == "[0.9, –]" and span(None) == "–"
    assert seconds(0.0004) == "0.4 ms" and seconds(3700) == "61 min 40 s"
    assert moment("never") == "never" and at({"a": [1]}, "a", 3, default="-") == "-"


def test_the_page_is_plain_data_before_it_is_drawn(study: fg.Study) -> None:
    assert json.loads(json.dumps(content(study)))["header"]["seal"]["tone"] == "once"


# --- in a browser ------------------------------------------------------------------------------------------------------

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


def opened(browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> tuple[Any, list[str], list[str]]:
    """Open a page; return it with what the console said and what it asked the network for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab, said, asked = context.new_page(), [], []
    tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-ready=true]", timeout=60_000)
    return tab, said, asked


@browser_tests
def test_charts_are_drawn_silently_and_offline(chromium: Any, page: Path) -> None:
    tab, said, asked = opened(chromium, page)
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    tab.wait_for_function(
        "document.querySelectorAll('.chart svg').length === document.querySelectorAll('[data-chart]').length"
    )
    assert tab.locator(".chart svg").count() == len(specs_of(page.read_text())) > 10
    assert tab.locator(".chart svg path").count() > 50
    assert said == []
    assert asked == [page.as_uri()]


@browser_tests
def test_hostile_names_are_shown_and_do_nothing(chromium: Any, page: Path) -> None:
    tab, said, _ = opened(chromium, page)
    assert said == [] and tab.evaluate("document.querySelectorAll('main script, main img').length") == 0
    assert EVIL in tab.locator("#step-frame").inner_text() and QUOTED in tab.locator("#step-frame").inner_text()
    assert EVIL in tab.locator("#step-explore").inner_text()


@browser_tests
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(chromium: Any, page: Path, width: int) -> None:
    tab, _, _ = opened(chromium, page, width)
    tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)")
    over = (
        "[...document.querySelectorAll('table:not(.tight) td')].filter(cell => cell.scrollWidth > cell.clientWidth + 1)"
    )
    assert tab.evaluate(f"{over}.map(cell => cell.textContent)") == []
    assert tab.evaluate("getComputedStyle(document.querySelector('.toc')).position") == "sticky"


@browser_tests
def test_colours_follow_the_system_and_the_button(chromium: Any, page: Path) -> None:
    def brightness(tab: Any) -> int:
        return sum(map(int, re.findall(r"\d+", tab.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]))

    light, dark = opened(chromium, page)[0], opened(chromium, page, scheme="dark")[0]
    assert brightness(light) > 700 and brightness(dark) < 120
    light.click("#theme")  # light, whatever the system says
    assert light.locator("#theme").inner_text().endswith("light")
    light.click("#theme")
    assert light.locator("#theme").inner_text().endswith("dark") and brightness(light) < 120
    axis = "getComputedStyle(document.querySelector('.chart svg .role-axis-label text')).fill"
    assert light.evaluate(axis) == dark.evaluate(axis)  # drawn once, coloured by CSS


@browser_tests
def test_a_tooltip_says_the_numbers(chromium: Any, page: Path) -> None:
    tab, said, _ = opened(chromium, page)
    mark = tab.locator("#simple .chart svg .mark-symbol path").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    tab.wait_for_selector("#vg-tooltip-element.visible", timeout=60_000)
    assert re.search(r"0\.\d+ \[0\.\d+, \d\.\d+\]", tab.locator("#vg-tooltip-element").inner_text()) and said == []


def test_an_interval_that_spans_doubts_says_what_sampling_alone_gives():
    from fieldguide.faces.report.story import _interval_said

    assert _interval_said({"interval": [0.7, 0.8]}, 2) == "95 % interval [0.70, 0.80]"
    said = _interval_said({"interval": [0.7, 0.9], "sampling": [0.7, 0.8]}, 2)
    assert said == "[0.70, 0.90] with doubts (FG814), 95 % of sampling alone [0.70, 0.80]"
