"""Render: a page of blocks becomes HTML. Templates draw; everything from the data is escaped.

Knows Jinja, the inlined Vega bundle and the page's Content-Security-Policy: no request can leave the page, and only
scripts whose hash stands in the policy run, so that nothing in a user's data can.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STATIC_WIDTH = 620
SMALL_WIDTH = 190


def page(content: Mapping[str, Any]) -> str:
    """Return the whole page.

    Args:
        content: {header, questions, steps, online}; see `fieldguide.faces.report`.
    """
    sections = [*content["questions"], *content["steps"], *content["online"]]
    specs = _numbered(block for section in sections for block in section["blocks"])
    scripts = [_bundle(), _read("page.js")]
    return str(_environment().get_template("page.html").render(
        **content, specs=_json(specs), scripts=scripts, style=_read("style.css"), policy=_policy(scripts), docs=docs_address(), static=None,
    ))  # fmt: skip


def section(content: Mapping[str, Any]) -> str:
    """Return one section by itself, its charts drawn as SVG: for notebooks, without scripts."""
    return str(
        _environment()
        .get_template("section.html")
        .render(section=content, style=_read("style.css"), docs=docs_address(), static=drawn)
    )


def drawn(block: Mapping[str, Any], small: bool = False) -> str:
    """Return a chart block as SVG text."""
    import vl_convert

    spec = {
        **block["spec"],
        "width": SMALL_WIDTH if small else STATIC_WIDTH if block.get("wide") else STATIC_WIDTH // 2,
    }
    return str(vl_convert.vegalite_to_svg(spec))


@cache
def docs_address() -> str:
    """Return where the documentation is, from the package's own metadata."""
    try:
        lines = metadata("fieldguide").get_all("Project-URL") or []
    except PackageNotFoundError:
        lines = []
    found = [line.split(",", 1)[1].strip() for line in lines if line.lower().startswith("documentation,")]
    return found[0].rstrip("/") + "/" if found else ""


def _numbered(blocks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Give every chart a name and return the specifications by it."""
    specs: dict[str, Any] = {}

    def visit(block: dict[str, Any]) -> None:
        if block["type"] == "chart" and block["spec"] is not None:
            block["id"] = f"c{len(specs)}"
            specs[block["id"]] = {
                key: value for key, value in block["spec"].items() if key not in ("config", "$schema")
            }
        for inner in block.get("blocks", []):
            visit(inner)

    for block in blocks:
        visit(block)
    return specs


def _json(specs: Mapping[str, Any]) -> str:
    """Return JSON that may stand inside a script element: `</` and `<!--` cannot occur in it."""
    from fieldguide.faces.report.charts import CONFIG

    text = json.dumps(
        _finite({"config": CONFIG, "charts": specs}),
        ensure_ascii=False,
        separators=(",", ":"),
        default=str,
        allow_nan=False,
    )
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _finite(value: Any) -> Any:
    """Return plain data with null for what JSON in a browser does not know: NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _bundle() -> str:
    """The Vega libraries as one script that makes no request (about 0.9 MB)."""
    import vl_convert

    return str(vl_convert.javascript_bundle()).replace("</script", "<\\/script")  # type: ignore[call-arg]  # its stub forgets the default


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
