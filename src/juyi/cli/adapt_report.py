"""The findings of `juyi adapt`, as people like to read them."""

from __future__ import annotations

import textwrap
from pathlib import Path

from juyi.adaptation import RAW, WORD_OVERLAP, Adaptation, EvidenceTable, SearchResult, next_commands
from juyi.cli.output import put, table
from juyi.evaluation import difference_text, interval_text

_MOST_ROWS = 8
_SECONDARY = 2


def print_adaptation(result: Adaptation, out: Path) -> None:
    """Print the figures, the searches, the decision and what to run next."""
    for each in result.tables:
        table([_row(each, name, result.recommended) for name in _shown(each, result.recommended)], title=_title(each))
    if not result.tables:
        table([_signals(result, name) for name in result.signals], title="Without labels: how the vectors lie")
    for query in dict.fromkeys(found.query for found in result.searches):
        found = [each for each in result.searches if each.query == query]
        names = [f"{name}{_likely(each)}" for name, each in zip(("before", "after"), found, strict=False)]
        rows = [
            {name: f"{score:.2f}  {text}" for name, (text, score) in zip(names, hits, strict=True)}
            for hits in zip(*(each.hits for each in found), strict=True)
        ]
        table(rows, title=f"search: {query}")
    if any(found.probability is not None for found in result.searches):
        _paragraph("In brackets: how likely the first text answers the query. Below 50 % it is refused: no text may.")
    for note in result.notes:
        _paragraph(f"• {note}", indent="  ")
    put("")
    put(f"recommended: {result.recommended}")
    _paragraph(result.verdict)
    put("")
    put(f"model   {out / 'model'}")
    put(f"report  {out / 'report.json'}")
    if result.sheet is not None:
        put(f"label   {result.sheet}")
    put("next")
    labelling = [f"juyi label {out}"] if result.sheet is not None and not result.tables else []
    for command in [*labelling, *next_commands(out / "model")]:
        put(f"  {command}")


def _likely(found: SearchResult) -> str:
    if found.probability is None:
        return ""
    return f" ({100 * found.probability:.0f} %{': refused' if found.refused else ''})"


def _paragraph(text: str, indent: str = "") -> None:
    put(textwrap.fill(text, width=110, subsequent_indent=indent))


def _title(found: EvidenceTable) -> str:
    score = found.raw.score
    units = "" if score.units in (None, score.count) else f" in {score.units} units that share no text"
    return f"{found.evidence}: {score.count} held-out items{units}, × 100, 95 % intervals"


def _shown(found: EvidenceTable, recommended: str) -> list[str]:
    """Word overlap, raw, what is recommended, and the best of the others."""
    first = list(dict.fromkeys((WORD_OVERLAP, RAW, recommended)))
    others = [name for name in found.figures if name not in first]
    best = sorted(others, key=lambda name: -found.figures[name][0].score.value)[: _MOST_ROWS - len(first)]
    return [*first, *best]


def _row(found: EvidenceTable, name: str, recommended: str) -> dict[str, str]:
    main, *others = found.figures[name]
    difference = found.differences.get(name)
    row = {
        "": f"{name} *" if name == recommended else name,
        found.metric: f"{main.score.value:.1f}",
        "interval": interval_text(main.score.interval),
        "against raw": "" if difference is None else difference_text(difference),
    }
    return row | {each.score.metric: f"{each.score.value:.1f}" for each in others[:_SECONDARY]}


def _signals(result: Adaptation, name: str) -> dict[str, str]:
    signals = result.signals[name]
    return {
        "": name,
        "alignment": "–" if signals.alignment is None else f"{signals.alignment:.3f}",
        "uniformity": f"{signals.uniformity:.2f}",
        "mean cosine": f"{signals.anisotropy:.2f}",
        "eff. rank": f"{signals.effective_rank:.0f}",
    }
