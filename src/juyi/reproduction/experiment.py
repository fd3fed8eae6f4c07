"""From a table to what has to be run: one experiment an encoder, a recipe and a seed, with all that is measured on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from juyi.errors import UsageError
from juyi.reproduction.row_encoder import row_encoder
from juyi.suites import AVERAGE
from juyi.tables import Column, Row, Table, Variant

AS_IT_IS = Variant("")


@dataclass(frozen=True)
class ReproduceOptions:
    """What of a table is run, on what, and where it goes.

    Attributes:
        data: The folders of the suites and files that the table names.
        output: Results go here; those that are there are not computed again.
        runs: Where run folders go.
        cells: `row:column`, `*` for any part of a name; empty for all.
        encoders: Further encoders that the protocol is run on, a row for each of its settings; or `lexical`, word overlap.
        folders: Where an encoder of the table lies, by its id.
        seeds: In place of the table's own.
        split: Measured in place of the table's splits.
        texts: In place of the file of sentences that the table names.
        pairs: In place of the file of pairs that it names.
        processes: So many experiments at a time, each in a process of its own with its share of the cores.
    """

    data: tuple[Path, ...]
    output: Path
    runs: Path = Path("runs")
    cells: tuple[str, ...] = ()
    encoders: tuple[str, ...] = ()
    folders: Mapping[str, Path] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    split: str = ""
    texts: str = ""
    pairs: str = ""
    processes: int = 1

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise UsageError(f"{self.processes} processes were asked for; at least one is needed.")
        for pattern in self.cells:
            if ":" not in pattern:
                raise UsageError(f"'{pattern}' is no cell; write row:column, 'BERT-P1:ATEC' or '*:STS-B' for example.")


@dataclass(frozen=True)
class Place:
    """Where a figure stands: a row, a column, a variant.

    Attributes:
        row: Its row.
        column: Its column.
        variant: Which of the figures of the cell.
    """

    row: Row
    column: Column
    variant: Variant

    @property
    def recipe(self) -> str:
        """What trains the encoder; empty for none."""
        return self.variant.recipe or self.row.recipe

    @property
    def base(self) -> str:
        """The row as it is written down, before any sweep."""
        return self.row.base or self.row.name

    @property
    def names(self) -> tuple[str, str, str]:
        """The names of row, column and variant."""
        return self.row.name, self.column.name, self.variant.name


@dataclass(frozen=True)
class Experiment:
    """One encoder, as it is or trained once, and the figures that it gives.

    Attributes:
        recipe: What trains it; empty for none.
        seed: Of the training.
        places: The figures; of one row.
    """

    recipe: str
    seed: int
    places: tuple[Place, ...]

    @property
    def row(self) -> Row:
        """Its row."""
        return self.places[0].row

    def __str__(self) -> str:
        trained = f", {self.recipe}, seed {self.seed}" if self.recipe else ""
        columns = ", ".join(dict.fromkeys(place.column.name for place in self.places))
        return f"{self.row.name}{trained}: {columns}"


@dataclass(frozen=True)
class Plan:
    """What is run of a table, and what is not.

    Attributes:
        places: All figures that were asked for.
        experiments: What gives them.
        reasons: Why a figure is not run, by its names.
    """

    places: tuple[Place, ...]
    experiments: tuple[Experiment, ...]
    reasons: dict[tuple[str, str, str], str]


def plan(table: Table, options: ReproduceOptions) -> Plan:
    """What has to be run for the cells that were asked for.

    Raises:
        UsageError: Something was asked for that there is not.
    """
    rows = [*(_placed(row, options) for row in table.rows)]
    rows += [row for encoder in options.encoders for row in extra_rows(table, encoder)]
    _check_asked(table, rows, options)
    places = [
        Place(row, column, variant)
        for row in rows
        for column in measured_columns(table, options)
        for variant in table.variant or (AS_IT_IS,)
        if _asked(row, column, options)
    ]
    reasons = {place.names: reason for place in places if (reason := why_not(table, place))}
    runnable = [place for place in places if place.names not in reasons]
    return Plan(tuple(places), tuple(_experiments(table, runnable, options.seeds or table.protocol.seeds)), reasons)


def measured_columns(table: Table, options: ReproduceOptions) -> list[Column]:
    """The columns with the splits that are measured."""
    if not options.split:
        return [*table.column]
    return [replace(column, split=options.split, splits=()) if column.suite else column for column in table.column]


def extra_rows(table: Table, encoder: str) -> Iterator[Row]:
    """The rows of a table with another encoder: one for each pooling, recipe and settings that its rows have; of a baseline one.

    Args:
        table: The table.
        encoder: Its name.
    """
    alone = Row(encoder, encoder=encoder)
    if not row_encoder(alone).trainable:
        yield alone
        return
    kinds: dict[tuple[object, ...], Row] = {}
    for row in table.rows:
        if row.encoder:
            kinds.setdefault((row.pooling, row.recipe, row.overrides), row)
    poolings = [row.pooling for row in kinds.values()]
    for row in kinds.values():
        as_it_is = not (row.pooling or row.recipe or row.overrides)
        kind = "" if as_it_is else row.pooling if len({*poolings}) == len(kinds) else row.name
        yield replace(row, name=f"{encoder}, {kind}" if kind else encoder, encoder=encoder, figures=(), labels=row.labels)


def why_not(table: Table, place: Place) -> str:
    """Why a figure cannot be run, whatever lies on this machine; empty where it can."""
    if not place.row.encoder:
        return "the table reports it; no recipe here runs it"
    if not place.column.suite:
        return "no suite here measures it"
    encoder = row_encoder(place.row)
    if reason := encoder.why_not(trained=bool(place.recipe), whitened=place.variant.whitening is not None):
        return reason
    if place.column.task == AVERAGE and place.recipe and table.protocol.of_task:
        return "an average over encoders that were each trained on one task"
    return ""


def _placed(row: Row, options: ReproduceOptions) -> Row:
    return replace(row, encoder=str(options.folders.get(row.encoder, row.encoder)))


def _asked(row: Row, column: Column, options: ReproduceOptions) -> bool:
    if not options.cells:
        return not options.encoders or row.encoder in options.encoders
    return any(_matches(pattern, row, column) for pattern in options.cells)


def _matches(pattern: str, row: Row, column: Column) -> bool:
    rows, _, columns = pattern.rpartition(":")
    return fnmatchcase(row.name, rows) and fnmatchcase(column.name, columns)


def _check_asked(table: Table, rows: Sequence[Row], options: ReproduceOptions) -> None:
    """That everything that was asked for is there."""
    for pattern in options.cells:
        if not any(_matches(pattern, row, column) for row in rows for column in table.column):
            columns = ", ".join(column.name for column in table.column)
            raise UsageError(f"No cell is {pattern}. Rows are {_names(rows)}; columns are {columns}.")
    named = list(dict.fromkeys(row.encoder for row in table.row if row.encoder))
    if (options.encoders or options.folders) and not named:
        raise UsageError(f"No row of {table.name} says how an encoder is run: the table is there to be read.")
    for encoder in options.encoders:
        own = [row for row in rows if row.encoder == encoder]
        if not any(_asked(row, column, options) for row in own for column in table.column):
            raise UsageError(f"No --cell is of the encoder {encoder}, whose rows are {_names(own)}. Add one, or leave one out.")
    if strange := [name for name in options.folders if name not in named]:
        raise UsageError(
            f"--folder says where {strange[0]} lies, and no row is of it. The encoders of the table are {', '.join(named)}."
        )


def _names(rows: Sequence[Row], most: int = 6) -> str:
    names = list(dict.fromkeys(row.name for row in rows))
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def _experiments(table: Table, places: Iterable[Place], seeds: Sequence[int]) -> Iterator[Experiment]:
    """Figures of one row that come from one encoder, together: each encoder is trained once and each text encoded once."""
    groups: dict[tuple[str, str, str], list[Place]] = {}
    for place in places:
        task = place.column.task if place.recipe and table.protocol.of_task else ""
        groups.setdefault((place.row.name, place.recipe, task), []).append(place)
    for (_row, recipe, _task), group in groups.items():
        for seed in seeds if recipe else seeds[:1]:
            yield Experiment(recipe, seed, tuple(group))
