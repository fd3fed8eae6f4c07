"""Curves with intervals as an SVG picture that a page can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 40, 56
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by the colour-blind too: Okabe & Ito 2008."""


@dataclass(frozen=True)
class Point:
    """A figure and its interval."""

    value: float
    low: float
    high: float


def curves(title: str, across: str, up: str, ticks: Sequence[str], series: Mapping[str, Sequence[Point | None]]) -> str:
    """One curve for each series over evenly spaced places, with a bar for each interval; None leaves a place out.

    Args:
        title: Above the picture, and for those who cannot see it.
        across: What the horizontal axis says.
        up: What the vertical one says.
        ticks: The places, from left to right.
        series: Name to one point for each place; four series at most.
    """
    known = [point for points in series.values() for point in points if point is not None]
    low, high = min(0.0, *(point.low for point in known)), max(0.0, *(point.high for point in known))
    step = _step(low, high)
    bottom, top = step * math.floor(low / step), step * max(1, math.ceil(high / step))

    def x(place: int, shift: float = 0.0) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (place + 0.5) / len(ticks) + shift

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (top - value) / (top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 22, title, size=15),
        _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 12, across, anchor="middle"),
        _text(_LEFT - 48, _TOP - 6, up),
    ]
    for number in range(round((top - bottom) / step) + 1):
        value = bottom + number * step
        parts.append(_line(_LEFT, y(value), WIDTH - _RIGHT, y(value), "#333" if value == 0 else "#ddd"))
        parts.append(_text(_LEFT - 8, y(value) + 4, f"{value:g}", anchor="end"))
    parts += [_text(x(place), HEIGHT - _BOTTOM + 20, tick, anchor="middle") for place, tick in enumerate(ticks)]
    for number, (name, points) in enumerate(series.items()):
        colour, shift = _COLOURS[number], 6 * (number - (len(series) - 1) / 2)
        places = [(x(place, shift), point) for place, point in enumerate(points) if point is not None]
        path = " ".join(f"{at:.1f},{y(point.value):.1f}" for at, point in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for at, point in places:
            parts.append(_line(at, y(point.low), at, y(point.high), colour))
            parts.append(f'<circle cx="{at:.1f}" cy="{y(point.value):.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<circle cx="{WIDTH - _RIGHT + 18}" cy="{_TOP + 22 * number + 6}" r="5" fill="{colour}"/>')
        parts.append(_text(WIDTH - _RIGHT + 30, _TOP + 22 * number + 11, name))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _step(low: float, high: float) -> float:
    """The least of 1, 2, 5, 10, … that needs no more than eight lines."""
    steps = (factor * 10.0**power for power in range(-3, 6) for factor in (1, 2, 5))
    return next(step for step in steps if high - low <= 8 * step)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
