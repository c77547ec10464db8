"""The map of an embedding as a picture: PNG, SVG or a page that works offline. Draws points and names, decides nothing."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.errors import ConfigError
from fieldguide.core.files.disk import writing

KINDS = (".svg", ".png", ".html")


def chart(found: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return the map as a Vega-Lite specification; a name that would lie on another one is left to its point's tooltip."""
    hidden = {"axis": None, "type": "quantitative", "scale": {"zero": False}}
    place = {"x": {"field": "x", **hidden}, "y": {"field": "y", **hidden}}
    size = {"field": "count", "type": "quantitative", "scale": {"type": "log", "range": [12, 90]}, "legend": None}
    tips = [{"field": "word"}, {"field": "count", "format": ","}]
    note = f"{found['method']}; {found['trustworthiness']:.0%} of the nearness kept (trustworthiness, {found['n_neighbours']} neighbours)"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": 900, "height": 640, "background": "white",
        "title": {"text": title, "subtitle": note, "anchor": "start"}, "data": {"values": list(found["points"])},
        "config": {"font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "view": {"stroke": None}},
        "layer": [
            {"mark": {"type": "point", "filled": True, "color": "#3566a8", "opacity": 0.55}, "encoding": {**place, "size": size, "tooltip": tips}},
            {"mark": {"type": "text", "fontSize": 9, "dy": -7, "color": "#333"}, "encoding": {**place, "text": {"field": "word"}, "tooltip": tips}},
        ],
    }  # fmt: skip


def draw(found: Mapping[str, Any], path: Path, title: str = "Map of words") -> Path:
    """Write the map by suffix.

    Raises:
        ConfigError: the suffix is not .svg, .png or .html.
    """
    import vl_convert

    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise ConfigError(
            f"{path} has an unknown suffix", rule="a map is written as .svg, .png or .html", found=repr(suffix)
        )
    spec = chart(found, title)
    with writing(path, "the picture is written whole"):
        if suffix == ".png":
            path.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))
        elif suffix == ".svg":
            path.write_text(str(vl_convert.vegalite_to_svg(spec)), encoding="utf-8")
        else:
            page = str(vl_convert.vegalite_to_html(spec, bundle=True))
            path.write_text(page.replace("<head>", f"<head>\n<title>{html.escape(title)}</title>", 1), encoding="utf-8")
    return path
