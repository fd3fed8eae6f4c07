"""Tables in Markdown, and their places in a page: between `<!-- name -->` and `<!-- end -->`, on lines of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from juyi.errors import DataError

_END = "<!-- end -->"
_MARK = re.compile(r"^<!-- .* -->$", re.MULTILINE)


def put(page: str, name: str, text: str) -> str:
    """The page with the text at the place of that name.

    Raises:
        DataError: It has no such place, or several, or one without an end before the next.
    """
    start = f"<!-- {name} -->\n"
    before, _, rest = page.partition(start)
    old, end, after = rest.partition(_END)
    if page.count(start) != 1 or not end or _MARK.search(old):
        raise DataError(f"The page needs one place for it: {start.strip()} and then {_END}, each on a line of its own.")
    return "".join([before, start, text, end, after])


def read_page(path: Path) -> str:
    """The text of a page.

    Raises:
        DataError: There is none.
    """
    if not path.is_file():
        raise DataError("there is no such page. Name one that has places for the figures.", path=path)
    return path.read_text(encoding="utf-8")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, every line with its end."""
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
