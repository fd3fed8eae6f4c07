"""The findings of `juyi adapt`, as people like to read them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from juyi.cli.output import table
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
        click.echo(textwrap.fill(f"• {note}", width=110, subsequent_indent="  "))
    click.echo()
    click.echo(textwrap.fill(result.verdict, width=110))
    click.echo()
    click.echo(f"model   {out / 'model'}   (with whitening: {out / 'model-whitened'})")
    click.echo(f"report  {out / 'report.json'}")
    if result.sheet is not None:
        click.echo(f"label   {result.sheet}")


def _title(result: Adaptation) -> str:
    if not result.scores:
        return "Signals without labels"
    return f"Spearman × 100 on {result.scores['raw'].count} labelled pairs, 95 % intervals"


def _row(result: Adaptation, name: str) -> dict[str, str]:
    row = {"": name}
    if result.scores:
        score, difference = result.scores[name], result.differences.get(f"{name}-raw")
        assert score.interval is not None
        row["Spearman"] = f"{score.value:.1f}"
        row["interval"] = f"{score.interval.low:.1f} – {score.interval.high:.1f}"
        row["against raw"] = "" if difference is None else (
            f"{difference.value:+.1f}  ({difference.interval.low:+.1f} – {difference.interval.high:+.1f})"
        )  # fmt: skip
    signals = result.signals[name]
    row["alignment"] = "–" if signals.alignment is None else f"{signals.alignment:.3f}"
    row["uniformity"] = f"{signals.uniformity:.2f}"
    row["mean cosine"] = f"{signals.anisotropy:.2f}"
    row["eff. rank"] = f"{signals.effective_rank:.0f}"
    return row
