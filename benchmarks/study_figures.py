"""Puts the figures of studies into pages, so that none is typed by hand.

    juyi reproduce encoders-chinese --data DIR -o out/encoders-chinese
    cp out/encoders-chinese/table.json docs/results/studies/encoders-chinese.json
    python benchmarks/study_figures.py docs/studies.md docs/comparison.md

Each place `<!-- study: NAME -->` … `<!-- end -->` of a page gets the tables of docs/results/studies/NAME.json, and the place
`<!-- studies -->` what is said about all of them there, and what was found.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from juyi.atomic import write_text
from juyi.errors import DataError, JuyiError
from juyi.language import choose_language
from juyi.report import Picture, Section, claims_section, markdown_page, read_reproduction, reproduction_sections
from markdown import put, read_page

STUDIES = Path(__file__).parents[1] / "docs" / "results" / "studies"
_ALL = "<!-- studies -->"
_PLACE = re.compile(r"^<!-- study: ([\w-]+) -->$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", nargs="+", type=Path)
    parser.add_argument("--studies", type=Path, default=STUDIES, metavar="DIR", help="NAME.json of each study")
    options = parser.parse_args(arguments)
    try:
        for page in options.page:
            write_text(page, with_figures(read_page(page), options.studies))
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def with_figures(page: str, studies: Path) -> str:
    """The page with the figures of each study that it has a place for.

    Raises:
        UsageError: The study is not there, or is none.
        DataError: Its file is damaged, there are no studies, or the page has no place for any, or one without an end.
    """
    if _ALL not in page and not _PLACE.search(page):
        raise DataError("The page has no place for a study: write <!-- study: NAME --> and <!-- end --> on lines of their own.")
    for name in _PLACE.findall(page):
        page = put(page, f"study: {name}", f"\n{figures(studies / f'{name}.json')}\n\n")
    if _ALL in page:
        said = claims_section([read_reproduction(path) for path in sorted(studies.glob("*.json"))])
        if not said:
            raise DataError(
                "holds no study of which anything is said. Copy the table.json of juyi reproduce there.", path=studies
            )
        page = put(page, "studies", f"\n{_body(said)}\n\n")
    return page


def figures(path: Path) -> str:
    """What the report says of one study in tables, below headings of a page."""
    sections = reproduction_sections(read_reproduction(path), brief=True)
    tables = [replace(each, blocks=[block for block in each.blocks if not isinstance(block, Picture)]) for each in sections]
    body = _body([each for each in tables if each.blocks])
    return re.sub("^(?=##)", "##", body, flags=re.MULTILINE)


def _body(sections: Sequence[Section]) -> str:
    """Sections without the head of the first."""
    return markdown_page(sections[0].title, sections).split("\n\n", 1)[1].strip()


if __name__ == "__main__":
    choose_language("en")  # that of the pages
    main()
