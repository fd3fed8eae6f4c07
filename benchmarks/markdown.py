"""Tables in Markdown, and their places in a page: between `<!-- name -->` and `<!-- end -->`, on lines of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from juyi.errors import DataError


def put(page: str, name: str, text: str) -> str:
    """The page with the text at the place of that name.

    Raises:
        DataError: It has no such place.
    """
    place = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    if not place.search(page):
        raise DataError(f"The page has no place for it: write <!-- {name} --> and <!-- end --> on lines of their own.")
    return place.sub(lambda _: text, page, count=1)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, every line with its end."""
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
