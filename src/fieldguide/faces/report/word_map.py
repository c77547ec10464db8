"""The map of an embedding as a picture: PNG, SVG or a page that works offline, or a chart of a report. Draws points and names,
decides nothing.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.errors import ConfigError
from fieldguide.core.figures import percent
from fieldguide.core.files.disk import writing

KINDS = (".svg", ".png", ".html")
SIZE = (900, 640)
"""Pixels of a picture."""
LETTER, LINE = 5.4, 11.0
"""Pixels that a letter is wide, and a name high."""


def named(points: Sequence[Mapping[str, Any]], size: tuple[float, float]) -> list[dict[str, Any]]:
    """Return points with the `name` that is written beside each: none where it would lie on the name of an earlier one.

    Args:
        size: width and height that the map is drawn in [pixels].

    Examples:
        >>> places = [{"word": "tea", "x": 0.0, "y": 0.0}, {"word": "coffee", "x": 0.001, "y": 0.0}, {"word": "car", "x": 1.0, "y": 1.0}]
        >>> [point["name"] for point in named(places, SIZE)]
        ['tea', '', 'car']
    """
    scaled = []
    for axis, pixels in zip("xy", size, strict=True):
        values = [float(point[axis]) for point in points]
        low, high = min(values, default=0.0), max(values, default=1.0)
        scaled.append([(value - low) / ((high - low) or 1.0) * pixels for value in values])
    boxes: list[tuple[float, float, float]] = []
    found = []
    for point, x, y in zip(points, *scaled, strict=True):
        half = LETTER * len(str(point["word"])) / 2
        free = all(abs(x - other) > half + reach or abs(y - line) > LINE for other, line, reach in boxes)
        if free:
            boxes.append((x, y, half))
        found.append({**point, "name": point["word"] if free else ""})
    return found


def layers(found: Mapping[str, Any], point: str, name: str) -> list[dict[str, Any]]:
    """Return the layers of a map: points, larger where a count says so, and names.

    Args:
        found: points {word, x, y}, and count where it is known; drawn with the names that `named` gives them.
        point, name: colours.
    """
    counted = all("count" in one for one in found["points"])
    hidden = {"axis": None, "type": "quantitative", "scale": {"zero": False}}
    place = {"x": {"field": "x", **hidden}, "y": {"field": "y", **hidden}}
    size = {"field": "count", "type": "quantitative", "scale": {"type": "log", "range": [12, 90]}, "legend": None}
    tips = [{"field": "word"}, *([{"field": "count", "format": ","}] if counted else [])]
    sized = {"size": size} if counted else {"size": {"value": 24}}
    return [
        {"mark": {"type": "point", "filled": True, "color": point, "opacity": 0.55}, "encoding": {**place, **sized, "tooltip": tips}},
        {"mark": {"type": "text", "fontSize": 9, "dy": -7, "color": name}, "encoding": {**place, "text": {"field": "name"}, "tooltip": tips}},
    ]  # fmt: skip


def chart(found: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return the map as a Vega-Lite specification; a name that would lie on another one is left to its point's tooltip."""
    note = f"{found['method']}; {percent(found['trustworthiness'], 0)} of the nearness kept (trustworthiness, {found['n_neighbours']} neighbours)"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": SIZE[0], "height": SIZE[1], "background": "white",
        "title": {"text": title, "subtitle": note, "anchor": "start"}, "data": {"values": named(found["points"], SIZE)},
        "config": {"font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "view": {"stroke": None}},
        "layer": layers(found, "#3566a8", "#333"),
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
            f"{path} has an unknown suffix",
            rule="a map is written as .svg, .png or .html",
            found=repr(suffix),
            do="name the file so, such as -o map.html",
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
