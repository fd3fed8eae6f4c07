"""The sections of a table: what was published, what came of running it, curves, and what the variants change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from juyi.language import translated as _
from juyi.report.reasons import spoken_reason
from juyi.report.sections import Block, Cell, Colour, Grid, Paragraph, Picture, Point, Section
from juyi.report.words import (
    Record,
    decimals,
    difference_cell,
    environment_section,
    interval_words,
    label_words,
    spoken,
)
from juyi.tables import Table

_ARROWS = {"green": "▲", "red": "▼"}
_MARKS = {"reproduced": " ✓", "near": " ≈", "missed": " ✗"}
_VERDICT_COLOURS: dict[str, Colour] = {"reproduced": "green", "near": "", "missed": "red"}


def published_sections(table: Table) -> list[Section]:
    """A table as it was published; of a study, what it will measure. And what is said about it."""
    record = table.as_record()
    shown = _published(record) if table.published else _planned(table)
    return [Section(str(table.title), [*shown, *_about(record), *_said(table)])]


def reproduction_sections(record: Record, *, brief: bool = False) -> list[Section]:
    """What came of running a table.

    Args:
        record: `table.json` of `juyi reproduce`.
        brief: Without the whole of what was published, and without what it was computed on.
    """
    blocks: list[Block] = [*_about(record), *_verdicts(record)]
    blocks += [*_claims(record, _("What is said, and what was found")), *_measured(record)]
    sections = [Section(spoken(record["title"]), blocks)]
    if pictures := [*_curves(record), *_trajectories(record), *_scatter(record)]:
        sections.append(Section(_("Curves"), pictures))
    if record["differences"]:
        sections.append(Section(_("What the variants change, on the same items"), [_differences(record)]))
    if record["published"] and not brief:
        sections.append(Section(_("As it was published"), [*_published(record)]))
    if reasons := [*_reasons(record["outcomes"])]:
        sections.append(Section(_("What was not run, or not as published"), reasons))
    return sections if brief else [*sections, *environment_section(record.get("environment"))]


def _about(record: Record) -> list[Block]:
    source = _("Source: {source}").format(source=", ".join(filter(None, (record["source"], record["link"]))))
    return [Paragraph(spoken(record["conditions"])), Paragraph(source)]


def _published(record: Record) -> Iterator[Block]:
    """The published figures in their colours, row by row."""
    figures: dict[tuple[str, str], dict[str, float]] = {}
    colours: dict[tuple[str, str], Colour] = {}
    common, labels = _common_labels(record["published"]), {each["row"]: each["labels"] for each in record["published"]}
    for each in record["published"]:
        figures.setdefault((each["row"], each["column"]), {})[each["variant"]] = each["value"]
        if each["colour"]:
            colours[each["row"], each["column"]] = each["colour"]
    variants = record["variants"] or [""]
    notes = [*dict.fromkeys(spoken(note) for note in record["notes"].values())]
    lines = []
    for row in record["rows"]:
        note = record["notes"].get(row)
        own = _in_brackets([label for label in labels.get(row, ()) if label not in common])
        cells = [Cell(row + own + ("" if note is None else f" [{notes.index(spoken(note)) + 1}]"))]
        for column in record["columns"]:
            values = figures.get((row, column), {})
            text = " / ".join(f"{values[name]:.{record['places']}f}" if name in values else "–" for name in variants)
            colour = colours.get((row, column), "")
            cells.append(Cell(text + _ARROWS.get(colour, "") if values else "–", colour))
        lines.append(cells)
    yield Grid([_("row"), *record["columns"]], lines)
    if record["variants"]:
        yield Paragraph(_("Each cell: {names}.").format(names=" / ".join(record["variants"])))
    if common:
        yield Paragraph(_("All figures: {labels}.").format(labels=", ".join(common)))
    yield from _meaning(record["published"])
    if record["colour"]:
        words = _("{of} is above {than} in {green} cells (green, ▲) and not above it in {red} (red, ▼).")
        counts = {name: [*colours.values()].count(name) for name in ("green", "red")}
        yield Paragraph(words.format(**record["colour"], **counts))
    yield from (Paragraph(f"[{number}] {note}") for number, note in enumerate(notes, start=1))


def _planned(table: Table) -> Iterator[Block]:
    """What a study runs."""
    lines = [
        [Cell(row.name), Cell(row.encoder), Cell(row.pooling), Cell(row.recipe), Cell(", ".join(row.overrides))]
        for row in table.row
    ]
    yield Grid([_("row"), _("encoder"), _("pooling"), _("recipe"), _("settings")], lines)
    if table.protocol.overrides:
        yield Paragraph(_("All rows: {settings}.").format(settings=", ".join(table.protocol.overrides)))
    for sweep in table.sweep:
        values = ", ".join(map(str, sweep.values))
        yield Paragraph(_("Each row with {name}: {values}.").format(name=sweep.title, values=values))
    if table.variant:
        yield Paragraph(_("Each cell: {names}.").format(names=" / ".join(variant.name for variant in table.variant)))
    yield Paragraph(_("Columns: {names}.").format(names=", ".join(column.name for column in table.column)))


def _said(table: Table) -> Iterator[Paragraph]:
    """What sources say about the figures."""
    if table.claim:
        yield Paragraph(_("What is said about it, and judged when it is run:"), strong=True)
    for claim in table.claim:
        yield Paragraph(f"· {_claim(str(claim.words), claim.source)}")


def _measured(record: Record) -> Iterator[Block]:
    """A line a row and variant: the figure with its interval, and the published one."""
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    places = _decimals(record)
    measured = [outcome for outcome in record["outcomes"] if outcome["value"] is not None]
    common = _labels_of_columns(measured)
    for outcome in measured:
        cells = found.setdefault((outcome["row"], outcome["variant"]), {})
        cells[outcome["column"]] = _cell(outcome, places[outcome["column"]], common[outcome["column"]])
    if not found:
        return
    several = any(variant for _row, variant in found)
    columns = [name for name in record["columns"] if any(name in cells for cells in found.values())]
    lines = [
        [Cell(row), *([Cell(variant)] if several else []), *(cells.get(name, Cell("–")) for name in columns)]
        for (row, variant), cells in found.items()
    ]
    yield Grid([_("row"), *([_("variant")] if several else []), *columns], lines, _("Measured here"))
    yield from _measured_on(record)


def _decimals(record: Record) -> dict[str, int]:
    """How many decimals the figures of each column are shown with: as many as any of them deserves."""
    found = dict.fromkeys(record["columns"], 1)
    for outcome in record["outcomes"]:
        found[outcome["column"]] = max(found[outcome["column"]], decimals(outcome["interval"]))
    return found


def _common_labels(records: Sequence[Record]) -> list[str]:
    """The labels that all figures bear."""
    return [label for label in (records[0]["labels"] if records else ()) if all(label in each["labels"] for each in records)]


def _labels_of_columns(measured: Sequence[Record]) -> dict[str, list[str]]:
    """The labels that all figures of a column bear."""
    columns = dict.fromkeys(outcome["column"] for outcome in measured)
    return {name: _common_labels([outcome for outcome in measured if outcome["column"] == name]) for name in columns}


def _meaning(records: Sequence[Record]) -> Iterator[Paragraph]:
    """What the labels of figures mean."""
    if labels := [*dict.fromkeys(label for each in records for label in each["labels"])]:
        yield Paragraph(_("{sentence}.").format(sentence=label_words(labels)))


def _measured_on(record: Record) -> Iterator[Paragraph]:
    """On what each column was measured, and with which seeds its encoders were trained."""
    measured = [outcome for outcome in record["outcomes"] if outcome["value"] is not None]
    common = _labels_of_columns(measured)
    columns: dict[str, None] = {}
    for outcome in measured:
        column, count, units = (outcome[name] for name in ("column", "count", "units"))
        words = _("{column}: {count:,} items in {units:,} units").format(column=column, count=count, units=units or 0)
        columns[words + _in_brackets(common[column])] = None
    yield Paragraph(_("; ").join(columns))
    yield from _meaning(measured)
    trained = [outcome["seeds"] for outcome in measured if outcome["runs"]]
    if trained and all(len(seeds) == 1 for seeds in trained):
        yield Paragraph(
            _("Trained with one seed: the intervals hold what other items would have changed, not what other seeds would have.")
        )
    elif trained:
        yield Paragraph(
            _("Seeds of what was trained: {seeds}.").format(seeds=", ".join({seed: None for each in trained for seed in each}))
        )


def _cell(outcome: Record, places: int, common: Sequence[str]) -> Cell:
    interval, published = outcome["interval"], outcome["published"]
    spread = "" if interval is None else f" ± {(interval[1] - interval[0]) / 2:.{places}f}"
    beside = "" if published is None else f" ({published:g}{_MARKS.get(outcome['verdict'], '')})"
    seeds = ", ".join(f"{value:.{places + 1}f}" for value in outcome["seeds"].values())
    hint = _("95 %: {interval}; {count} items in {units} units; seeds: {seeds}").format(
        interval=interval_words(interval, f".{places + 1}f"), count=outcome["count"], units=outcome["units"], seeds=seeds
    )
    own = [label for label in outcome["labels"] if label not in common]
    text = f"{outcome['value']:.{places}f}{spread}{beside}{_in_brackets(own)}"
    labels = label_words(outcome["labels"])
    return Cell(text, _VERDICT_COLOURS.get(outcome["verdict"], ""), "; ".join(filter(None, [hint, labels])))


def _in_brackets(labels: Sequence[str]) -> str:
    return f" [{', '.join(labels)}]" if labels else ""


def _verdicts(record: Record) -> Iterator[Paragraph]:
    """How many figures got which verdict; of a study, how many were measured, where that is not all."""
    outcomes = record["outcomes"]
    words = {
        "reproduced": _("reproduced ✓"),
        "near": _("near ≈"),
        "missed": _("missed ✗"),
        "other conditions": _("under other conditions"),
        "no figure": _("nothing published") if record["published"] else _("measured"),
        "not run": _("not run"),
    }
    counted = {verdict: sum(outcome["verdict"] == verdict for outcome in outcomes) for verdict in words}
    if counted["no figure"] < len(outcomes):
        each = _("{verdict}: {count}")
        told = [each.format(verdict=words[verdict], count=count) for verdict, count in counted.items() if count]
        yield Paragraph(_(", ").join(told), strong=True)


def claims_section(records: Sequence[Record]) -> list[Section]:
    """What is said about several tables, a grid for each, and whether their figures agree; nothing where nothing is said.

    Args:
        records: `table.json` of each.
    """
    title = _("What is said, and what was found")
    grids = [grid for record in records for grid in _claims(record, spoken(record["title"]))]
    return [Section(title, grids)] if grids else []


def _claims(record: Record, title: str) -> Iterator[Grid]:
    """What is said about the figures, and whether they agree."""
    if lines := [*_judged(record)]:
        yield Grid([_("claim"), _("here"), _("certain comparisons"), _("mean difference")], lines, title)


def _judged(record: Record) -> Iterator[list[Cell]]:
    """A line for each claim."""
    found: dict[str, tuple[str, Colour]] = {
        "agrees": (_("agrees"), "green"),
        "disagrees": (_("disagrees"), "red"),
        "mixed": (_("sometimes"), ""),
        "open": (_("cannot be told"), ""),
    }
    for claim in record.get("claims", ()):
        words, colour = found[claim["judgement"]]
        counts = _("{supported} for, {refuted} against, {undecided} open").format(
            supported=claim["for"], refuted=claim["against"], undecided=claim["open"]
        )
        pairs = "\n".join(map(_compared, claim["compared"]))
        mean = sum(each["value"] for each in claim["compared"]) / len(claim["compared"])
        said = Cell(_claim(spoken(claim["words"]), claim["source"]))
        yield [said, Cell(words, colour, pairs), Cell(counts, hint=pairs), Cell(f"{mean:+.1f}", hint=pairs)]


def _claim(words: str, source: str) -> str:
    return f"{words} ({source})" if source else words


def _compared(pair: Record) -> str:
    first, second = (", ".join(filter(None, side)) for side in (pair["first"], pair["second"]))
    return f"{first} − {second}: {pair['value']:+.2f} ({interval_words(pair['interval'], '+.2f')})"


def _differences(record: Record) -> Grid:
    lines: dict[tuple[str, str], dict[str, Cell]] = {}
    places = _decimals(record)
    for each in record["differences"]:
        pair = f"{each['variant']} − {each['against']}"
        lines.setdefault((each["row"], pair), {})[each["column"]] = difference_cell(each, places[each["column"]])
    columns = [name for name in record["columns"] if any(name in cells for cells in lines.values())]
    rows = [[Cell(row), Cell(pair), *(cells.get(name, Cell("–")) for name in columns)] for (row, pair), cells in lines.items()]
    return Grid([_("row"), _("difference"), *columns], rows)


def _curves(record: Record) -> Iterator[Picture]:
    """Of a sweep: each column over the swept setting, a curve for each row and variant."""
    for axis in record["axes"]:
        for column in record["columns"]:
            series: dict[str, list[Point]] = {}
            for outcome in record["outcomes"]:
                at = outcome["point"].get(axis)
                if outcome["column"] != column or outcome["value"] is None or not isinstance(at, int | float):
                    continue
                others = [str(value) for name, value in outcome["point"].items() if name != axis]
                name = ", ".join(filter(None, [outcome["base"], outcome["variant"], *others]))
                low, high = outcome["interval"] or (None, None)
                hint = f"{name}, {axis} {at:g}: {outcome['value']:.2f} ({interval_words(outcome['interval'])})"
                series.setdefault(name, []).append(Point(float(at), outcome["value"], low, high, hint))
            places = [point.x for points in series.values() for point in points]
            if len({*places}) > 1:
                wide = min(places) > 0 and max(places) >= 8 * min(places)
                yield Picture(column, axis, column, series, logarithmic=wide)


def _trajectories(record: Record) -> Iterator[Picture]:
    """Alignment over uniformity while the encoders were trained, every point a look at the development pairs."""
    series = {
        each["name"]: [
            Point(uniformity, alignment, hint=f"{each['name']}, step {step}: {dev:.1f}", value=dev)
            for step, alignment, uniformity, dev in zip(
                each["steps"], each["alignment"], each["uniformity"], each["dev"], strict=True
            )
        ]
        for each in record.get("trajectories", ())
    }
    if series:
        title = _("On the way: alignment and uniformity")
        yield Picture(title, "uniformity", "alignment", series, coloured_by="Spearman")


def _scatter(record: Record) -> Iterator[Picture]:
    """Alignment over uniformity of the rows, coloured by Spearman, where a table has columns of all three."""
    needed = ("alignment", "uniformity", "spearman")
    metrics = {column: metric for column, metric in zip(record["columns"], record["metrics"], strict=True) if metric in needed}
    if {*metrics.values()} < {*needed}:
        return
    found: dict[str, dict[str, Any]] = {}
    for outcome in record["outcomes"]:
        if outcome["column"] in metrics and outcome["value"] is not None:
            name = ", ".join(filter(None, [outcome["row"], outcome["variant"]]))
            found.setdefault(name, {})[metrics[outcome["column"]]] = outcome["value"]
    series = {
        name: [Point(each["uniformity"], each["alignment"], hint=f"{name}: {each['spearman']:.1f}", value=each["spearman"])]
        for name, each in found.items()
        if {*each} == {*needed}
    }
    if series:
        title = _("Alignment and uniformity, coloured by Spearman")
        yield Picture(title, "uniformity", "alignment", series, lines=False, coloured_by="Spearman")


def _reasons(outcomes: Sequence[Record]) -> Iterator[Block]:
    told = sorted((outcome["reason"], outcome["row"]) for outcome in outcomes if outcome["reason"])
    words = _("{rows}: {reason}")
    for reason, group in groupby(told, key=lambda each: each[0]):
        rows = ", ".join(dict.fromkeys(row for _reason, row in group))
        yield Paragraph(words.format(rows=rows, reason=spoken_reason(reason)))
