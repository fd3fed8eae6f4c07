"""Pictures as SVG that stands in a page or alone, and can be read on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from juyi.report.axis import Axis
from juyi.report.sections import Picture, Point

WIDTH, HEIGHT = 440, 310
_LEFT, _RIGHT, _TOP, _BOTTOM, _LINE = 50, 14, 48, 44, 18
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#444444", "#7b3294")
"""Told apart by the colour-blind too, the first six: Okabe & Ito 2008."""
_LOW, _MIDDLE, _HIGH = (68, 1, 84), (33, 145, 140), (224, 205, 30)
"""From few to many, of even brightness: three of viridis."""


def drawn(picture: Picture) -> str:
    """A picture: axes, points with their intervals, and below which colour is what."""
    points = [point for several in picture.series.values() for point in several]
    ends = [end for point in points for end in (point.low, point.high, point.y) if end is not None]
    across = Axis.over([p.x for p in points], _LEFT + 8, WIDTH - _RIGHT - 8, logarithmic=picture.logarithmic)
    up = Axis.over(ends, HEIGHT - _BOTTOM, _TOP)
    colours = [point.value for point in points if point.value is not None]
    legend = [*_scale(picture.coloured_by, colours)] if colours else [*_legend([*picture.series])]
    height = HEIGHT + _LINE * (1 if colours else 0 if len(picture.series) < 2 else len(picture.series))
    shown = legend if height > HEIGHT else []
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif">',
        f"<title>{escape(picture.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 16, picture.title, size=13, weight="bold"),
        *([] if picture.bare else _axes(picture, across, up)),
    ]
    for number, several in enumerate(picture.series.values()):
        parts += _series(several, COLOURS[number % len(COLOURS)], (across, up), picture, colours)
    return "\n".join([*parts, *shown, "</svg>"]) + "\n"


def _axes(picture: Picture, across: Axis, up: Axis) -> Iterator[str]:
    for value in up.marks:
        yield _line(_LEFT, up.place(value), WIDTH - _RIGHT, up.place(value), "#333" if value == 0 else "#ddd")
        yield _text(_LEFT - 6, up.place(value) + 4, f"{value:.6g}", anchor="end")
    for value in across.marks:
        yield _line(across.place(value), HEIGHT - _BOTTOM, across.place(value), HEIGHT - _BOTTOM + 4, "#333")
        yield _text(across.place(value), HEIGHT - _BOTTOM + 17, f"{value:.6g}", anchor="middle")
    yield _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, picture.across, anchor="middle")
    yield _text(4, _TOP - 14, picture.up)


def _series(
    points: Sequence[Point], colour: str, axes: tuple[Axis, Axis], picture: Picture, colours: Sequence[float]
) -> Iterator[str]:
    across, up = axes
    places = [(across.place(point.x), up.place(point.y), point) for point in points]
    if picture.lines and len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        stroke = "#999" if picture.coloured_by else colour
        yield f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="1.6" opacity="0.8"/>'
    radius = 3.0 if len(places) <= 60 else 1.8
    for x, y, point in places:
        if point.low is not None and point.high is not None:
            yield _line(x, up.place(point.low), x, up.place(point.high), colour)
        fill = colour if point.value is None else _shade(point.value, colours)
        hint = f"<title>{escape(point.hint)}</title>" if point.hint else ""
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}">{hint}</circle>'


def _legend(names: Sequence[str]) -> Iterator[str]:
    """A line each, below the picture; the place of a line is that of its number."""
    for number, name in enumerate(names):
        y = HEIGHT + _LINE * number
        yield f'<circle cx="{_LEFT}" cy="{y + 4}" r="4" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield _text(_LEFT + 10, y + 8, name)


def _scale(name: str, values: Sequence[float]) -> Iterator[str]:
    low, high = min(values), max(values)
    for number in range(24):
        shade = _shade(low + (high - low) * number / 23, values)
        yield f'<rect x="{_LEFT + 5 * number}" y="{HEIGHT - 2}" width="5" height="10" fill="{shade}"/>'
    yield _text(_LEFT + 128, HEIGHT + 8, f"{name}: {low:.4g} – {high:.4g}")


def _shade(value: float, values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    share = 0.5 if high == low else (value - low) / (high - low)
    first, second, part = (_LOW, _MIDDLE, 2 * share) if share < 0.5 else (_MIDDLE, _HIGH, 2 * share - 1)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(first, second, strict=True))


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, weight: str = "normal") -> str:
    style = f'text-anchor="{anchor}" font-size="{size}"' + (f' font-weight="{weight}"' if weight != "normal" else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
