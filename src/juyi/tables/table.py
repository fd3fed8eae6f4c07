"""A table of published figures: rows, columns, maybe several variants a cell, and how a cell is run again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Strict

from juyi.errors import UsageError
from juyi.language import Bilingual
from juyi.tables.claim import Claim

ColourName = Literal["green", "red"]
Figure = Annotated[float, Strict()]
Figures = tuple[Figure | tuple[Figure, ...], ...]
NOWHERE = Bilingual("", "")


@dataclass(frozen=True)
class Column:
    """A column: one figure of one task.

    Attributes:
        name: What stands at its head.
        suite: The suite that has the task; empty where juyi has none that measures this.
        task: Its name in the suite, or `avg`.
        split: The split, or an average over splits.
        splits: Those that an average is taken over; empty for the one split.
        subset: Of tasks with sub-tasks: `all`, `mean` or `wmean`.
        metric: Which of the task's metrics.
    """

    name: str
    suite: str = ""
    task: str = ""
    split: str = "test"
    splits: tuple[str, ...] = ()
    subset: str = ""
    metric: str = "spearman"


@dataclass(frozen=True)
class Variant:
    """One of several figures in a cell.

    Attributes:
        name: What it is called.
        recipe: What trains the encoder of the row; empty where its weights stay as they are.
        whitening: How strongly its vectors are whitened, 1 fully; None leaves them.
    """

    name: str
    recipe: str = ""
    whitening: float | None = None


@dataclass(frozen=True)
class Row:
    """A row: an encoder, or a method of somebody.

    Attributes:
        name: What stands before it.
        encoder: What runs it: a hub id or a folder; `lexical` (word overlap), `vectors:FILE` or `package:NAME` where nothing is
            trained; empty where the table only reports it.
        pooling: From token vectors to one; empty for the encoder's own.
        recipe: What trains it, where the variants do not say.
        overrides: Settings of the recipe that are its own, `table.key=value`.
        learns_from: Files that it learns from in place of the protocol's.
        labels: What its figures owe to their making, beside the table's labels.
        figures: A figure a column, or where there are variants one a variant for each column; nan where none was published.
        note: What else is to be known about it.
        point: Of a row that a sweep made: the value of each setting.
        base: And the row that it was made of.
    """

    name: str
    encoder: str = ""
    pooling: str = ""
    recipe: str = ""
    overrides: tuple[str, ...] = ()
    learns_from: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    figures: Figures = ()
    note: Bilingual = NOWHERE
    point: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""


@dataclass(frozen=True)
class Colour:
    """A variant is green where it is above another one, else red."""

    of: str
    than: str


@dataclass(frozen=True)
class Sweep:
    """Every row is run with each of several values of a setting.

    Attributes:
        key: The setting of the recipe, `data.sample` for example.
        values: Its values.
        name: What rows and axes call it; empty for the last part of the key.
    """

    key: str
    values: tuple[bool | int | float | str, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.values or len({*map(repr, self.values)}) < len(self.values):
            raise UsageError(f"The [[sweep]] of {self.key} has the values {[*self.values]}; at least one is needed, each once.")

    @property
    def title(self) -> str:
        """What rows and axes call it."""
        return self.name or self.key.rpartition(".")[2].replace("_", " ")


@dataclass(frozen=True)
class Protocol:
    """What a cell that is run learns from; files are looked for in the folders of the data.

    Attributes:
        overrides: Settings of the recipe that all rows share, `table.key=value`; those of a row come after them.
        texts: Of recipes that learn from sentences, and of whitening: a file; or `task`, all sentences of the column's own task;
            or `other-splits`, those of its splits that are not measured, without the ones that occur among the measured.
        sample: So many of the sentences are drawn for all rows alike; 0 takes all.
        pairs: Of recipes that learn from pairs or triplets: a file.
        held_out: No row of a file is learned from that holds a sentence which is measured.
        selection: The scored pairs that the best step is chosen on.
        seeds: Each trained cell is run once with each.
        tolerance: So far apart, in points, two figures of one cell may be and still count as the same.
    """

    overrides: tuple[str, ...] = ()
    texts: str = ""
    sample: int = 0
    pairs: str = ""
    held_out: bool = False
    selection: str = ""
    seeds: tuple[int, ...] = (42,)
    tolerance: float = 1.0

    @property
    def of_task(self) -> bool:
        """Whether each column learns from sentences of its own task."""
        return self.texts in ("task", "other-splits")

    def __post_init__(self) -> None:
        if not self.seeds or len({*self.seeds}) < len(self.seeds):
            raise UsageError(f"protocol.seeds is {[*self.seeds]}; at least one is needed, each once.")
        if not 0 < self.tolerance < math.inf:
            raise UsageError(f"protocol.tolerance is {self.tolerance}; it must be above 0, in points.")


@dataclass(frozen=True)
class Cell:
    """A row at a column.

    Attributes:
        row: Its row.
        column: Its column.
        figures: The published figure of each variant; of a table without variants under the empty name. What was not published
            is not there.
        colour: By the table's rule; None where it has none, or one of the two figures is missing.
    """

    row: Row
    column: Column
    figures: Mapping[str, float]
    colour: ColourName | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Published figures; or a study of one's own, a table whose figures are yet to be measured.

    Attributes:
        name: The name of its file.
        source: Who published it, where, in which version.
        link: Where it can be read; a study may have none.
        title: What it shows.
        conditions: How it was measured: metric, splits, what was seen in training, on what the best was chosen.
        column: The columns, in their order.
        row: The rows as they are written down; see `rows`.
        sweep: Settings whose values every row is run with.
        variant: What the figures of a cell are, where it has several.
        labels: What all figures owe to their making: `transductive`, `dev-selected`.
        colour: Which figures are shown green and red.
        claim: What is said about its figures.
        protocol: What a cell that is run again learns from.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    source: str
    link: str = ""
    title: Bilingual
    conditions: Bilingual
    column: tuple[Column, ...]
    row: tuple[Row, ...]
    sweep: tuple[Sweep, ...] = ()
    variant: tuple[Variant, ...] = ()
    labels: tuple[str, ...] = ()
    colour: Colour | None = None
    claim: tuple[Claim, ...] = ()
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self) -> None:
        for what, names in (("row", self.row), ("column", self.column), ("variant", self.variant)):
            _check_names(what, [each.name for each in names])
        if not self.row or not self.column:
            raise UsageError("A table needs at least one [[row]] and one [[column]].")
        if self.published and not self.link:
            raise UsageError("A table with figures needs a link: where they were published.")
        variants = [each.name for each in self.variant]
        if self.colour is not None and (strange := {self.colour.of, self.colour.than} - {*variants}):
            raise UsageError(f"colour names '{strange.pop()}'; the variants are {', '.join(variants) or 'none'}.")
        _check_names("sweep", [each.title for each in self.sweep])
        _check_names("swept setting", [each.key for each in self.sweep])
        for row in self.row:
            self._check_figures(row)
            self._check_sweeps(row)
        for claim in self.claim:
            self._check_claim(claim)

    @property
    def published(self) -> bool:
        """Whether it holds figures; one that holds none is a study."""
        return any(row.figures for row in self.row)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows: those that are written down, each once for every combination of the values that the sweeps go through."""
        shared = self.protocol.overrides
        written = (replace(row, overrides=(*shared, *row.overrides)) if row.encoder else row for row in self.row)
        return tuple(_swept(row, self.sweep, values) for row in written for values in product(*(s.values for s in self.sweep)))

    def _check_figures(self, row: Row) -> None:
        if not row.figures:
            return
        if self.sweep:
            raise UsageError(f"The row '{row.name}' has figures, and a [[sweep]] makes several rows of it. Write the rows out.")
        if len(row.figures) != len(self.column):
            raise UsageError(
                f"The row '{row.name}' has {len(row.figures)} figures for {len(self.column)} columns; nan is for none."
            )
        wanted = len(self.variant)
        for column, figures in zip(self.column, row.figures, strict=True):
            got = len(figures) if isinstance(figures, tuple) else 0
            if any(map(math.isinf, figures if isinstance(figures, tuple) else (figures,))):
                raise UsageError(f"The row '{row.name}' has an infinite figure at '{column.name}'; nan is for none.")
            if got != wanted:
                raise UsageError(
                    f"The row '{row.name}' has {got or 'one'} figure{'s' if got else ''} at '{column.name}'; "
                    f"there {'is one' if not wanted else f'are {wanted}'}, {'no variants' if not wanted else 'one a variant'}."
                )

    def _check_sweeps(self, row: Row) -> None:
        """Rows that a sweep makes differ in something: what is not trained has settings of its encoder alone."""
        if row.recipe or any(variant.recipe for variant in self.variant):
            return
        if strange := [sweep.key for sweep in self.sweep if not sweep.key.startswith("encoder.")]:
            raise UsageError(
                f"The row '{row.name}' has no recipe, so that the [[sweep]] of {strange[0]} changes nothing about it. Name one, "
                "or put the row into a table of its own."
            )

    def _check_claim(self, claim: Claim) -> None:
        known = {
            "row": (claim.names("row"), {row.name for row in self.row}),
            "variant": (claim.names("variant"), {variant.name for variant in self.variant}),
            "setting": (claim.settings, {sweep.title for sweep in self.sweep}),
            "column": ({*claim.columns}, {column.name for column in self.column}),
        }
        for what, (named, there) in known.items():
            if strange := sorted(named - there):
                raise UsageError(
                    f"The claim '{claim.words.en}' names the {what} '{strange[0]}'; there {'are' if len(there) > 1 else 'is'} "
                    f"{', '.join(sorted(there)) or 'none'}."
                )
        values = {sweep.title: sweep.values for sweep in self.sweep}
        for name, value in (pair for side in (claim.first, claim.second) for pair in side.point.items()):
            if value not in values[name]:
                raise UsageError(
                    f"The claim '{claim.words.en}' is about {name} {value}; it is swept over {', '.join(map(str, values[name]))}."
                )

    def cells(self) -> Iterator[Cell]:
        """The cells of which something is published, row by row."""
        for row in self.rows:
            for column, figures in zip(self.column, row.figures, strict=bool(row.figures)):
                values = self._values(figures)
                if values:
                    yield Cell(row, column, values, self._colour(values))

    def _values(self, figures: float | tuple[float, ...]) -> dict[str, float]:
        several = figures if isinstance(figures, tuple) else (figures,)
        names = [each.name for each in self.variant] or [""]
        return {name: value for name, value in zip(names, several, strict=True) if not math.isnan(value)}

    def _colour(self, values: Mapping[str, float]) -> ColourName | None:
        if self.colour is None or not {self.colour.of, self.colour.than} <= values.keys():
            return None
        return "green" if values[self.colour.of] > values[self.colour.than] else "red"

    @property
    def places(self) -> int:
        """How many decimals the published figures have."""
        values = (value for cell in self.cells() for value in cell.figures.values())
        return max((len(f"{value!r}".partition(".")[2]) for value in values), default=2)

    def as_record(self) -> dict[str, Any]:
        """All that a page about the table needs, for JSON."""
        return {
            "table": self.name,
            "title": asdict(self.title),
            "conditions": asdict(self.conditions),
            "source": self.source,
            "link": self.link,
            "rows": [row.name for row in self.rows],
            "notes": {row.name: asdict(row.note) for row in self.rows if row.note != NOWHERE},
            "columns": [column.name for column in self.column],
            "metrics": [column.metric for column in self.column],
            "variants": [variant.name for variant in self.variant],
            "axes": [sweep.title for sweep in self.sweep],
            "colour": None if self.colour is None else asdict(self.colour),
            "places": self.places,
            "published": self.records(),
        }

    def records(self) -> list[dict[str, Any]]:
        """Every published figure as a record, for machines."""
        return [
            {
                "table": self.name,
                "row": cell.row.name,
                "column": cell.column.name,
                "variant": variant,
                "value": value,
                "colour": cell.colour if self.colour is not None and variant == self.colour.of else None,
                "metric": cell.column.metric,
                "task": cell.column.task,
                "split": cell.column.split,
                "subset": cell.column.subset,
                "encoder": cell.row.encoder,
                "pooling": cell.row.pooling,
                "labels": [*dict.fromkeys((*self.labels, *cell.row.labels))],
                "source": self.source,
                "link": self.link,
            }
            for cell in self.cells()
            for variant, value in cell.figures.items()
        ]


def _swept(row: Row, sweeps: Sequence[Sweep], values: Sequence[Any]) -> Row:
    if not sweeps:
        return row
    point = {sweep.title: value for sweep, value in zip(sweeps, values, strict=True)}
    settings = [
        f"{sweep.key}={str(value).lower() if isinstance(value, bool) else value}"
        for sweep, value in zip(sweeps, values, strict=True)
    ]
    name = ", ".join([row.name, *(f"{title} {value}" for title, value in point.items())])
    return replace(row, name=name, overrides=(*row.overrides, *settings), point=point, base=row.name)


def _check_names(what: str, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"There are two {what}s called '{twice[0]}'. Give one of them another name.")
