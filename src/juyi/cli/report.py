"""`juyi report`: pages to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options

if TYPE_CHECKING:
    from juyi.report import Form


@click.command("report", cls=options.Command)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="The file to write. [default: standard output]")
@click.option("--format", "form", type=click.Choice(["html", "markdown"]), help="[default: by the name of the file]")
@click.option("--title", default="", help="The head of the page. [default: that of the first source]")
def command(sources: tuple[str, ...], output: str | None, form: Form | None, title: str) -> None:
    """Make one page of SOURCE…: a page of HTML that needs no network and can be read on a phone, or Markdown.

    SOURCE is a table (its name or its .toml file), the folder of `juyi reproduce` or of `juyi adapt`, a run folder, or a .jsonl
    file of `juyi evaluate --format jsonl` or `juyi compare --format jsonl`. What a page shows is in its files of JSON: it can be
    made again at any time.

    \b
    Examples:
      juyi report out -o report.html
      juyi report chinese-simcse -o table.html
      juyi report runs/zh/simcse/3f0a51c2d9e4 -o run.html --language zh
      juyi report out scores.jsonl -o both.md
    """
    from juyi.cli.output import put, say
    from juyi.report import report, write_report

    if output is None:
        put(report(sources, form or "html", title), nl=False)
        return
    write_report(Path(output), sources, form, title)
    say(output)
