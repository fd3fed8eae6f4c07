"""The findings of `juyi adapt`, as people like to read them."""

from __future__ import annotations

import textwrap
from pathlib import Path

from juyi.cli.output import put, table
from juyi.evaluation import difference_text, interval_text
from juyi.experiments.adapt import VARIANTS, Adaptation


def print_adaptation(result: Adaptation, out: Path) -> None:
    """Print the comparison, the searches, the verdict and where everything lies."""
    table([_row(result, name) for name in VARIANTS], title=_title(result))
    for query in dict.fromkeys(found.query for found in result.searches):
        before, after = (
            next(found for found in result.searches if found.query == query and found.variant == v) for v in ("raw", "simcse")
        )
        rows = [
            {"before": f"{b[1]:.2f}  {b[0]}", "after": f"{a[1]:.2f}  {a[0]}"}
            for b, a in zip(before.hits, after.hits, strict=True)
        ]
        table(rows, title=f"search: {query}")
    for note in result.notes:
        put(textwrap.fill(f"• {note}", width=110, subsequent_indent="  "))
    put("")
    put(textwrap.fill(result.verdict, width=110))
    put("")
    put(f"model   {out / 'model'}   (with whitening: {out / 'model-whitened'})")
    put(f"report  {out / 'report.json'}")
    if result.sheet is not None:
        put(f"label   {result.sheet}")


def _title(result: Adaptation) -> str:
    if not result.scores:
        return "Signals without labels"
    score = result.scores["raw"]
    groups = "" if score.units in (None, score.count) else f" in {score.units} groups that share sentences"
    return f"Spearman × 100 on {score.count} labelled pairs{groups}, 95 % intervals"


def _row(result: Adaptation, name: str) -> dict[str, str]:
    row = {"": name}
    if result.scores:
        score, comparison = result.scores[name], result.comparisons.get(f"{name}-raw")
        difference = None if comparison is None else comparison.difference
        row["Spearman"] = f"{score.value:.1f}"
        row["interval"] = interval_text(score.interval)
        row["against raw"] = "" if difference is None else difference_text(difference)
    signals = result.signals[name]
    row["alignment"] = "–" if signals.alignment is None else f"{signals.alignment:.3f}"
    row["uniformity"] = f"{signals.uniformity:.2f}"
    row["mean cosine"] = f"{signals.anisotropy:.2f}"
    row["eff. rank"] = f"{signals.effective_rank:.0f}"
    return row
