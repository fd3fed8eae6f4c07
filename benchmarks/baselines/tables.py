"""From what was measured to Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from juyi.evaluation import markdown_table

NOTHING = "–"


@dataclass(frozen=True)
class Cost:
    """What a row takes: size in bytes, parameters, sentences a second, and speed relative to the reference."""

    row: str
    engine: str
    size: int | None
    parameters: int | None
    speed: float
    ratio: float | None


def cost_table(costs: Sequence[Cost], reference: str) -> str:
    """Size, parameters and speed, a row an encoder."""
    rows = []
    for cost in costs:
        ratio = NOTHING if cost.ratio is None else f"{cost.ratio:.2g}" if cost.ratio < 10 else f"{cost.ratio:.0f}"
        row = {
            "": cost.row,
            "MB on disk": _millions(cost.size),
            "parameters, M": _millions(cost.parameters),
            "engine": cost.engine,
        }
        rows.append(row | {"sentences/s": f"{cost.speed:,.0f}", f"speed, {reference} = 1": ratio})
    return markdown_table(rows).strip()


def number(value: float) -> str:
    """With one decimal, and a minus that is one."""
    return f"{value:.1f}".replace("-", "−")


def _millions(value: int | None) -> str:
    return NOTHING if value is None else f"{value / 1e6:.1f}"
