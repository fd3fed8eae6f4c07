"""How the cells of a text file are parted: told from its first lines, whatever its name ends in."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from juyi.data.header import has_header
from juyi.data.labels import is_label_word
from juyi.data.numbers import is_number

DELIMITERS = {"\t": "tabs", "||": "'||'", ",": "commas", ";": "semicolons", "，": "full-width commas", "|": "bars"}
"""What can part cells, and its name; the first two are hardly ever in a text, so what they part consistently are cells."""

LINES_SNIFFED = 400
csv.field_size_limit(1 << 30)  # the library's own limit is 131,072 characters a cell

_NO_DELIMITER = "\x1f"  # of one quoted column: a mark that stands in no text
_MOST_UNEVEN = 0.1
_ENOUGH_ROWS = 10
_SHEETS = ("csv",)
_TABLES = ("tsv", "data")

NumberedCells = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Dialect:
    """How the cells of a line are parted.

    Attributes:
        delimiter: Between two cells; empty where a line is one cell.
        quoted: A cell may stand in double quotes, with line ends in it and quotes doubled.
        spaced: A blank stands between a mark and the quote behind it.
        skipped: Lines before the first row: 1 where the first says `sep=;`.
    """

    delimiter: str
    quoted: bool = False
    spaced: bool = False
    skipped: int = 0

    @property
    def words(self) -> str:
        """For a message: "commas, quoted"."""
        if not self.delimiter:
            return "one column"
        return DELIMITERS.get(self.delimiter, repr(self.delimiter)) + (", quoted" if self.quoted else "")


def sniff(lines: Sequence[str], hint: str, *, is_whole: bool, delimiter: str | None = None) -> Dialect:
    """The dialect of a file that begins with these lines.

    Tabs and `||` part cells where (nearly) every line has as many of them. Commas and the like do in a csv; elsewhere only where
    the cells prove it, by a header of usual names or a column of numbers or labels. Where nothing parts the lines evenly, the
    name of the file decides: tabs of a tsv, commas of a csv whose first line has some, and else a line is one cell.

    Args:
        lines: The first ones, blank ones left out.
        hint: What the file's name ends in, or the format that was named.
        is_whole: These are all.
        delimiter: Decided already; only the quoting is looked for.
    """
    if lines[0].lower().startswith("sep=") and len(lines[0]) in (5, 6):
        return Dialect(lines[0][4:].strip("\r\n") or "\t", quoted=True, skipped=1)
    parted = delimiter or _certain(lines, is_whole) or _proved(lines, hint, is_whole) or _named(lines, hint, is_whole)
    if parted:
        quoted = _is_quoted(lines, parted, is_whole)
        return Dialect(parted, quoted, spaced=quoted and _is_spaced(lines, parted))
    return Dialect("", hint in _SHEETS and _is_one_quoted_column(lines, is_whole))


def _certain(lines: Sequence[str], is_whole: bool) -> str:
    """The tab or `||` that parts every line evenly; empty for none."""
    for mark in ("\t", "||"):
        rows = _rows(lines, mark, _is_quoted(lines, mark, is_whole), is_whole)
        if _width(rows) > 1 and (mark == "\t" or _width(rows) > 2 or len(rows) > 2):
            return mark
    return ""


def _proved(lines: Sequence[str], hint: str, is_whole: bool) -> str:
    """The mark that may stand in a text too, and is proved to part the cells of these lines; empty for none."""
    found = [mark for mark in (",", ";", "，", "|") if _parts(lines, mark, hint, is_whole)]
    if not found:
        return ""
    rows = {mark: _rows(lines, mark, True, is_whole) for mark in found}
    return max(found, key=lambda mark: (_is_proved(rows[mark]), _width(rows[mark])))


def _named(lines: Sequence[str], hint: str, is_whole: bool) -> str:
    """What the name of the file says, where nothing parts the lines evenly; empty for none."""
    if hint in _TABLES and any("\t" in line for line in lines):
        return "\t"
    if hint not in _SHEETS:
        return ""
    first = next(iter(split(lines, Dialect(",", quoted=True), strict=False)))[1]
    widths = Counter(map(len, _rows(lines, ",", True, is_whole)))
    return "," if len(first) > 1 and widths[1] <= widths.total() / 2 else ""


def split(lines: Iterable[str], dialect: Dialect, *, strict: bool = True) -> Iterator[NumberedCells]:
    """The rows of lines, each with the number of its first line counted from 1; blank lines are rows of no cells.

    Raises:
        csv.Error: The quotes do not close, where `strict`.
    """
    if not dialect.quoted or len(dialect.delimiter) > 1:
        for number, line in enumerate(lines, start=1):
            if not line.strip() and "\t" not in line:
                yield number, ()
            else:
                yield number, tuple(line.split(dialect.delimiter)) if dialect.delimiter else (line,)
        return
    reader = csv.reader(
        (line + "\n" for line in lines),
        delimiter=dialect.delimiter or _NO_DELIMITER,
        strict=strict,
        skipinitialspace=dialect.spaced,
    )
    start = 1
    for row in reader:
        yield start, tuple(row)
        start = reader.line_num + 1


def _rows(lines: Sequence[str], delimiter: str, quoted: bool, is_whole: bool) -> list[tuple[str, ...]]:
    """The rows of a sample without blank ones, and without the last where it may be cut off; none where the quotes are wrong."""
    dialect = Dialect(delimiter, quoted, spaced=quoted and _is_spaced(lines, delimiter))
    rows: list[tuple[str, ...]] = []
    try:
        rows.extend(row for _, row in split(lines, dialect) if row)  # those before an error stay
    except csv.Error:
        return [] if is_whole else rows
    return rows if is_whole or len(rows) < 2 else rows[:-1]


def _is_spaced(lines: Sequence[str], delimiter: str) -> bool:
    return any(f'{delimiter} "' in line for line in lines)


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells the rows have: all of them, or all but a few of many; 0 where they differ."""
    if not rows:
        return 0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    even = count == len(rows) or (len(rows) >= _ENOUGH_ROWS and count >= (1 - _MOST_UNEVEN) * len(rows))
    return width if even else 0


def _parts(lines: Sequence[str], delimiter: str, hint: str, is_whole: bool) -> bool:
    """Whether a mark that may stand in a text parts the cells of these lines."""
    rows = _rows(lines, delimiter, True, is_whole)
    width = _width(rows)
    if width < 2:
        return False
    proved = _is_proved(rows)
    if hint in _SHEETS:
        return proved or delimiter == "," or (delimiter in ";|" and len(rows) > 2)
    named = has_header(rows[0], rows[1:], is_sheet=False) and len(rows) > 1
    return named or (proved and width > 2 and len(rows) > 1)


def _is_proved(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the cells look like cells: usual names above, or a column of numbers or of words for labels."""
    if has_header(rows[0], rows[1:], is_sheet=False):
        return True
    return any(
        all(place < len(row) and (is_number(row[place]) or is_label_word(row[place])) for row in rows)
        for place in range(len(rows[0]))
    )


def _is_one_quoted_column(lines: Sequence[str], is_whole: bool) -> bool:
    """Whether the only column stands in quotes, at least where it needs them."""
    return any(line.startswith('"') for line in lines) and _width(_rows(lines, _NO_DELIMITER, True, is_whole)) == 1


def _is_quoted(lines: Sequence[str], delimiter: str, is_whole: bool) -> bool:
    """Whether cells between tabs stand in quotes as a program writes them, rather than hold quotes as people write them.

    A program quotes every cell, or those that need it: with a quote (then doubled), a tab or a line end in them. Then every cell
    that begins with a quote is well formed. A sentence that is one quotation proves nothing.
    """
    if len(delimiter) > 1:
        return False
    if delimiter != "\t":
        return True
    if not any(line.startswith('"') or '\t"' in line for line in lines):
        return False
    rows = _rows(lines, delimiter, True, is_whole)
    if _width(rows) < 2:
        return False
    raw = [line.split(delimiter) for line in lines]
    cells = [cell for row in raw for cell in row]
    begun = [cell for cell in cells if cell.startswith('"')]
    whole = [cell for cell in begun if len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")]
    if len(whole) < len(begun):  # a cell goes on in the next line or behind a tab, or these are no quoted cells
        return _width(raw) == 0
    needed = any('""' in cell[1:-1] for cell in whole)
    return needed or all(cell.startswith('"') or is_number(cell) or not cell for row in raw[1:] or raw for cell in row)
