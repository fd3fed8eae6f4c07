"""The findings of `juyi adapt`, as people like to read them."""

from __future__ import annotations

import re
from pathlib import Path

from rich.cells import cell_len

from juyi.adaptation import RAW, WORD_OVERLAP, Adaptation, EvidenceTable, SearchResult, next_commands
from juyi.cli.output import put, table
from juyi.evaluation import difference_text, explanation, interval_text
from juyi.language import translated as _

_COLUMNS = 110
_WORDS = r"[\u2e80-\u9fff\uff00-\uffef][，。；：、）”？]*|[^\s\u2e80-\u9fff\uff00-\uffef]+\s*|\s+"
_SIGNALS = ("alignment", "uniformity", "mean cosine", "eff. rank", "agreement")
_MOST_ROWS = 8
_SECONDARY = 2


def print_adaptation(result: Adaptation, out: Path) -> None:
    """Print the figures, the searches, the decision and what to run next."""
    for each in result.tables:
        table([_row(each, name, result.recommended) for name in _shown(each, result.recommended)], title=_title(each))
    if not result.tables:
        table([_signals(result, name) for name in result.signals], title=_("Without labels: how the vectors lie"))
    _explain(result)
    for query in dict.fromkeys(found.query for found in result.searches):
        found = [each for each in result.searches if each.query == query]
        names = [f"{name}{_likely(each)}" for name, each in zip((_("before"), _("after")), found, strict=False)]
        rows = [
            {name: f"{score:.2f}  {text}" for name, (text, score) in zip(names, hits, strict=True)}
            for hits in zip(*(each.hits for each in found), strict=True)
        ]
        table(rows, title=_("search: {query}").format(query=query))
    if any(found.probability is not None for found in result.searches):
        _paragraph(_("In brackets: how likely the first text answers the query. Below 50 % it is refused: no text may."))
    for note in result.notes:
        _paragraph(f"• {note}", indent="  ")
    put("")
    put(_("recommended: {candidate}").format(candidate=result.recommended))
    _paragraph(result.verdict)
    put("")
    places = {_("model"): out / "model", _("report"): out / "report.html"}
    if result.sheet is not None:
        places[_("label")] = result.sheet
    width = max(map(cell_len, places))
    for name, path in places.items():
        put(f"{name}{' ' * (width - cell_len(name))}  {path}")
    put(_("next"))
    labelling = [f"juyi label {out}"] if result.sheet is not None and not result.tables else []
    for command in [*labelling, *next_commands(out / "model")]:
        put(f"  {command}")


def _likely(found: SearchResult) -> str:
    if found.probability is None:
        return ""
    shown = _(" ({percent:.0f} %: refused)") if found.refused else _(" ({percent:.0f} %)")
    return shown.format(percent=100 * found.probability)


def _paragraph(text: str, indent: str = "") -> None:
    put("\n".join(_lines(text, indent)))


def _lines(text: str, indent: str) -> list[str]:
    """At most 110 columns wide; a Chinese character takes two and may begin a line, closing punctuation may not."""
    lines, width = [""], 0
    for word in re.findall(_WORDS, text):
        wide = cell_len(word.rstrip())
        if width + wide > _COLUMNS and width > len(indent):
            lines[-1] = lines[-1].rstrip()
            lines.append(indent)
            width = len(indent)
        lines[-1] += word
        width += cell_len(word)
    return lines


def _explain(result: Adaptation) -> None:
    """What the metrics of the tables say, each once."""
    metrics = [each.score.metric for table in result.tables for each in table.figures[RAW][: 1 + _SECONDARY]]
    for metric in dict.fromkeys(metrics or _SIGNALS):
        if words := explanation(metric):
            _paragraph(f"{metric}: {words}", indent="  ")
    put("")


def _title(found: EvidenceTable) -> str:
    score = found.raw.score
    units = ""
    if score.units not in (None, score.count):
        units = _(" in {count} units that share no text").format(count=score.units)
    title = _("{labels}: {count} held-out items{units}, × 100, 95 % intervals")
    return title.format(labels=found.evidence, count=score.count, units=units)


def _shown(found: EvidenceTable, recommended: str) -> list[str]:
    """Word overlap, raw, what is recommended, and the best of the others."""
    first = list(dict.fromkeys((WORD_OVERLAP, RAW, recommended)))
    others = [name for name in found.figures if name not in first]
    best = sorted(others, key=lambda name: -found.figures[name][0].score.value)[: _MOST_ROWS - len(first)]
    return [*first, *best]


def _row(found: EvidenceTable, name: str, recommended: str) -> dict[str, str]:
    main, *others = found.figures[name]
    difference = found.differences.get(name)
    shown = _("word overlap") if name == WORD_OVERLAP else name
    row = {
        "": f"{shown} *" if name == recommended else shown,
        found.metric: f"{main.score.value:.1f}",
        _("interval"): interval_text(main.score.interval),
        _("against raw"): "" if difference is None else difference_text(difference),
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
        "agreement": "–" if signals.agreement is None else f"{signals.agreement:.2f}",
    }
