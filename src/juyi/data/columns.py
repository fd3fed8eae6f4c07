"""Which columns of a table are meant: those that were named, or those that names and contents tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Unpack

from juyi.data.column_names import SCORE_NAMES, canonical, numbered_places, pair_places, role_of_name
from juyi.data.files import STDIN, PathLike
from juyi.data.labels import counted
from juyi.data.left_out import BadRows, counted_words
from juyi.data.numbers import is_number
from juyi.data.read_options import ReadOptions
from juyi.data.roles import column_roles, is_label_column
from juyi.data.tables import Table, is_blank, open_table
from juyi.errors import ColumnsError, DataError, UsageError
from juyi.types import Log


class Columns:
    """A table that was opened, and what its columns hold.

    Attributes:
        table: The table.
        wanted: The columns that were asked for by the caller, as places; None where he named none.
        roles: What each column holds.
        log: Hears what was understood.
    """

    def __init__(self, table: Table, wanted: Sequence[str] | None, log: Log = lambda _: None) -> None:
        self.table = table
        self.log = log
        self.wanted = None if wanted is None else named_places(table, wanted)
        self.names_asked = tuple(wanted or ())
        self.roles = column_roles(table.names if table.has_names else [""] * len(table.names), [row for _, row in table.sample])
        self._texts_of_few_letters()

    @classmethod
    def open(
        cls,
        path: PathLike,
        *,
        id_column: str | None = None,
        keep_blank: bool = False,
        bad_rows: BadRows = "error",
        **options: Unpack[ReadOptions],
    ) -> Columns:
        """The columns of a file; see `open_table`. The name of a column of ids tells a header as those of others do."""
        wanted = options.get("columns")
        wanted = tuple(wanted) if wanted is not None else None
        named = (*(wanted or ()), *([id_column] if id_column is not None else []))
        only = wanted is not None
        table = open_table(path, wanted=named, only_wanted=only, keep_blank=keep_blank, bad_rows=bad_rows, **options)
        return cls(table, wanted, options.get("log", lambda _: None))

    @property
    def by_position(self) -> bool:
        """Whether the places of the columns may decide: they have an order, and no usual names."""
        return self.table.by_position and not (self.table.has_names and any(map(role_of_name, self.table.names)))

    def places(self, *roles: str) -> list[int]:
        """Where the columns that hold one of these stand."""
        return [place for place, role in enumerate(self.roles) if role in roles]

    def cells(self, place: int) -> list[str]:
        """The cells of a column among the first rows, as text, empty ones left out."""
        return [str(row[place]).strip() for _, row in self.table.sample if not is_blank(row[place])]

    def asked_for(self, count: int, shape: str) -> list[int] | None:
        """The columns that the caller named, in his order; None where he named none.

        Raises:
            UsageError: He named another number of them than are needed.
        """
        if self.wanted is not None and len(self.wanted) != count:
            named = f"{len(self.wanted)} columns are named ({', '.join(self.names_asked)})"
            raise UsageError(f"{named}, but {count} are needed for {shape}.")
        return self.wanted

    def pair(self) -> list[int] | None:
        """The two columns of sentences: by their names, or because no others hold sentences."""
        found = pair_places(self.table.names) if self.table.has_names else None
        if found is not None:
            return list(found)
        texts = [place for place in self.places("text") if place not in numbered_places(self.table.names, "negative")]
        if len(texts) == 2 and (self.table.by_position or all(role_of_name(self.table.names[place]) for place in texts)):
            return texts
        if len(texts) == 1 and self.table.has_names and len(answers := self.places("answer")) == 1:
            return [texts[0], answers[0]]
        return None

    def judgement(self) -> int | None:
        """The column that says of a pair how alike it is: a score or a label."""
        names = self.table.names if self.table.has_names else ()
        usual = [place for place, name in enumerate(names) if canonical(name) in SCORE_NAMES]
        usual.sort(key=lambda place: self.roles[place] != "score")
        if usual:
            return usual[0]
        found = [place for place in self.places("score", "label") if not names or role_of_name(names[place]) is None]
        return found[-1] if found else None

    def is_judgement(self, place: int) -> bool:
        """Whether a column holds numbers or labels rather than sentences."""
        pair = self.pair() or [other for other in range(len(self.table.names)) if other != place]
        lengths = [len(cell) for other in pair if other != place for cell in self.cells(other)]
        return is_label_column(self.cells(place), sum(lengths) / max(len(lengths), 1))

    def error(self, shape: str, count: int, more: str = "") -> ColumnsError:
        """That the columns of a row shape cannot be told."""
        reason = f"needs {shape}. The file has {columns_of(self.table)}.{more and ' ' + more}"
        found = self.table.names if self.table.has_names else len(self.table.names)
        reason += " Name the columns to read, in this order."
        return ColumnsError(reason, path=self.table.path, needed=count, found=found)

    def said(self, place: int) -> str:
        """A column and the values in it, for a message: column '3' holds 是 ×2, 否 ×1."""
        return f"column '{self.table.names[place]}' holds {counted(self.cells(place))}"

    def sentence(
        self, places: Sequence[int], rows: int | None = None, remarks: Sequence[str] = (), *, left_out: bool = True
    ) -> str:
        """What was understood, in one line.

        Args:
            places: The columns that are read.
            rows: How many rows, where they are counted already.
            remarks: What else is to be known.
            left_out: Whether to say what was left out so far.
        """
        table = self.table
        parts = [table.how]
        if not table.is_lines:
            read = ", ".join(table.names[place] for place in places)
            parts.append(f"reading column{'s' if len(places) > 1 else ''} {read}")
            if aside := [name for place, name in enumerate(table.names) if place not in places]:
                parts.append(f"not read: {', '.join(aside[:6])}{', …' if len(aside) > 6 else ''}")
        if rows is not None:
            parts.append(counted_words(rows, "row"))
        parts += remarks
        if left_out and table.left_out.count:
            parts.append(f"left out: {table.left_out}")
        source = "standard input" if str(table.path) == STDIN else table.path
        return f"{source}: {'; '.join(parts)}."

    def say(self, places: Sequence[int], rows: int, remarks: Sequence[str] = ()) -> None:
        """Tell the log what was understood, now that all rows are read; see `sentence`."""
        self.log(self.sentence(places, rows, remarks))

    def _texts_of_few_letters(self) -> None:
        """Where contents leave fewer than two columns of text, single characters are text too: those that are no numbers."""
        if len(self.places("text")) < 2:
            for place, name in enumerate(self.table.names):
                cells = self.cells(place)
                named = self.table.has_names and role_of_name(name)
                if self.roles[place] == "other" and not named and {*map(len, cells)} == {1} and not any(map(is_number, cells)):
                    self.roles[place] = "text"


def named_places(table: Table, wanted: Sequence[str]) -> list[int]:
    """The places of columns that the caller named.

    Raises:
        UsageError: The table does not have one of them, or none is named.
    """
    places = []
    plain = [canonical(name) for name in table.names]
    for name in wanted:
        if name in table.names:
            places.append(table.names.index(name))
        elif canonical(name) in plain and table.has_names:
            places.append(plain.index(canonical(name)))
        elif name.isdecimal() and 1 <= int(name) <= len(plain):
            places.append(int(name) - 1)
        else:
            raise UsageError(f"{table.path}: there is no column '{name}'. The file has {columns_of(table)}.")
    if not places:
        raise UsageError(f"{table.path}: no column is named. The file has {columns_of(table)}.")
    return places


def columns_of(table: Table) -> str:
    """How many columns a table has and what they are called, for a message."""
    count = len(table.names)
    plural = "s" if count != 1 else ""
    return f"{count} column{plural}: {', '.join(table.names)}" if table.has_names else f"{count} column{plural} without names"


def text_in(table: Table, line: int, cell: object, place: int) -> str:
    """A cell that must hold text.

    Raises:
        DataError: It is empty or holds something else.
    """
    name = table.names[place]
    if is_blank(cell):
        reason = f"column '{name}' is empty. Every row needs a value there: fill it in, or take the row out."
        raise DataError(reason, path=table.path, line=line)
    if isinstance(cell, int | float):
        return json.dumps(cell)
    if not isinstance(cell, str):
        kind = "an object" if isinstance(cell, dict) else f"a {type(cell).__name__}"
        raise DataError(f"column '{name}' holds {kind}, and text is needed: {str(cell)[:60]}", path=table.path, line=line)
    if not cell.isascii():
        try:
            cell.encode()
        except UnicodeEncodeError as error:
            reason = f"column '{name}' holds half of a surrogate pair, which is not text. Repair the row."
            raise DataError(reason, path=table.path, line=line) from error
    return cell


def texts_in(table: Table, line: int, cell: object, place: int) -> list[str]:
    """The texts of a cell: itself, or the parts of a list; none of an empty one."""
    if is_blank(cell):
        return []
    parts = cell if isinstance(cell, list) else [cell]
    return [text_in(table, line, part, place) for part in parts if not is_blank(part)]
