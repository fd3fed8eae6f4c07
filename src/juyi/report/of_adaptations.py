"""The sections of an adaptation: the decision, the figures behind it, searches before and after, how the vectors lie."""

from __future__ import annotations

from collections.abc import Iterator

from juyi.evaluation import explanation
from juyi.language import translated as _
from juyi.report.of_runs import score_cell
from juyi.report.sections import Block, Cell, Grid, Paragraph, Picture, Point, Section
from juyi.report.words import Record, difference_cell, environment_section, facts

_RAW, _OVERLAP = "raw", "word overlap"
_SIGNALS = {
    "alignment": "alignment",
    "uniformity": "uniformity",
    "mean cosine": "anisotropy",
    "eff. rank": "effective_rank",
    "agreement": "agreement",
}


def adaptation_sections(record: Record) -> list[Section]:
    """What `report.json` of `juyi adapt` says."""
    title = _("recommended: {candidate}").format(candidate=record["recommended"])
    notes = [Paragraph(f"• {note}") for note in record["notes"]]
    sections = [Section(title, [Paragraph(record["verdict"], strong=True), *notes])]
    if record["evidence"]:
        figures = [block for evidence in record["evidence"] for block in _evidence(evidence, record["recommended"])]
        sections.append(Section(_("The candidates, each measured on labels that it did not see"), figures))
    if record["searches"]:
        sections.append(Section(_("Searches before and after"), [*_searches(record)]))
    if record["signals"]:
        sections.append(Section(_("Without labels: how the vectors lie"), [*_signals(record["signals"])]))
    if record.get("map"):
        sections.append(Section(_("The sentences on a map"), [*_maps(record["map"])]))
    sections.append(Section(_("The sentences"), [facts("", record["inspection"])]))
    return [*sections, *environment_section(record.get("environment"))]


def _evidence(evidence: Record, recommended: str) -> Iterator[Block]:
    metrics = [score["metric"] for score in evidence["scores"][_RAW]]
    rows = []
    for name, scores in evidence["scores"].items():
        shown = _("word overlap") if name == _OVERLAP else name
        by_metric = {score["metric"]: score for score in scores}
        rows.append(
            [
                Cell(f"{shown} *" if name == recommended else shown),
                difference_cell(evidence["differences"].get(f"{name}-{_RAW}")),
                *(score_cell(by_metric[metric]) if metric in by_metric else Cell("–") for metric in metrics),
            ]
        )
    title = _("{labels}: {count} held-out items, 95 % intervals over {units} units that share no text")
    told = title.format(labels=evidence["evidence"], count=evidence["count"], units=evidence["units"])
    yield Grid([_("candidate"), f"{evidence['metric']} − {_RAW}", *metrics], rows, told)
    for metric in metrics:
        if words := explanation(metric):
            yield Paragraph(f"{metric}: {words}")


def _searches(record: Record) -> Iterator[Block]:
    for query in dict.fromkeys(search["query"] for search in record["searches"]):
        found = [search for search in record["searches"] if search["query"] == query]
        heads = [_head(search) for search in found]
        most = max(len(search["hits"]) for search in found)
        rows = [[Cell(str(rank + 1)), *(_hit(search, rank) for search in found)] for rank in range(most)]
        yield Grid(["", *heads], rows, query)


def _head(search: Record) -> str:
    if search["probability"] is None:
        return str(search["candidate"])
    shown = _(" ({percent:.0f} %: refused)") if search["refused"] else _(" ({percent:.0f} %)")
    return str(search["candidate"]) + shown.format(percent=100 * search["probability"])


def _hit(search: Record, rank: int) -> Cell:
    if rank >= len(search["hits"]):
        return Cell("–")
    hit = search["hits"][rank]
    return Cell(f"{hit['score']:.2f}  {hit['text']}", "grey" if search["refused"] else "")


def _signals(signals: Record) -> Iterator[Block]:
    known = {metric: key for metric, key in _SIGNALS.items() if any(found.get(key) is not None for found in signals.values())}
    rows = [
        [Cell(name), *(Cell("–" if found.get(key) is None else f"{found[key]:.3g}") for key in known.values())]
        for name, found in signals.items()
    ]
    yield Grid([_("candidate"), *known], rows)
    for metric in known:
        yield Paragraph(f"{metric}: {explanation(metric)}")
    points = {
        name: [Point(found["uniformity"], found["alignment"], hint=name)]
        for name, found in signals.items()
        if found.get("alignment") is not None
    }
    if len(points) > 1:
        yield Picture(_("Alignment and uniformity"), "uniformity", "alignment", points, lines=False)


def _maps(maps: Record) -> Iterator[Block]:
    """The two directions of most variance, of each encoder."""
    yield Paragraph(_("Each point is a sentence, along the two directions in which the vectors differ most."))
    for name, places in maps["places"].items():
        points = [Point(x, y, hint=text) for (x, y), text in zip(places, maps["texts"], strict=True)]
        yield Picture(name, "", "", {name: points}, lines=False, bare=True)
