"""`juyi reproduce`: run a published table, or a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from juyi.cli import options
from juyi.language import translated as _


def _folders(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, Path]:
    found = {}
    for pair in given:
        name, equals, path = pair.partition("=")
        if not equals or not Path(path).is_dir():
            raise click.BadParameter(
                f"'{pair}' is not ID=PATH with the path of a folder, google-bert/bert-base-chinese=/models/b."
            )
        found[name] = Path(path)
    return found


@click.command("reproduce", cls=options.Command)
@click.argument("table")
@click.option(
    "--data",
    multiple=True,
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="A folder of the sets and files that the table names; may be repeated.",
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder of the results.")
@click.option("--cell", "cells", metavar="ROW:COLUMN", multiple=True, help="Only these cells; * stands for any letters.")
@click.option(
    "--encoder",
    "encoders",
    metavar="MODEL",
    multiple=True,
    help="Run the protocol on this encoder, in rows of its own; lexical: word overlap.",
)
@click.option(
    "--folder", "folders", metavar="ID=PATH", multiple=True, callback=_folders, help="Where an encoder of the table lies."
)
@click.option("--seed", "seeds", multiple=True, type=int, help="In place of the table's seeds; may be repeated.")
@click.option("--split", default="", help="Measure this split in place of the table's.")
@click.option("--texts", default="", help="Sentences in place of those that the table learns from.")
@click.option("--pairs", default="", help="Pairs or triplets in place of those that the table learns from.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(min=1), help="So many trainings at a time.")
@options.runs
@options.form("table", "json", "jsonl", "csv")
def command(table: str, data: tuple[str, ...], output: str, runs: str, form: str, **given: Any) -> None:
    """Run TABLE, one of `juyi tables list` or a TOML file of your own: train and measure every cell that is not there yet.

    Each figure stands beside the published one: ✓ it was reproduced (the published figure lies within the interval, and no
    further off than the table's tolerance), ≈ one of both, ✗ neither. Without --encoder the rows of the table are run as far as
    their encoders can be had; with it the same protocol on your encoder instead, with --cell whatever it names. The command can
    be stopped at any time: the same command goes on, and what is there is not computed again. Exit code 1 where an experiment
    failed or nothing could be measured; what is not here of encoders and data is told, and the rest is run.

    \b
    Examples:
      juyi reproduce chinese-untrained --data senteval_cn -o out/untrained
      juyi reproduce chinese-simcse --data senteval_cn -o out/simcse --cell "BERT-P1:*"
      juyi reproduce chinese-simcse --data senteval_cn -o out/simcse --encoder mini --encoder lexical
      juyi reproduce simcse-and-whitening --data senteval_cn -o out/both --processes 2
    """
    from juyi.cli.output import check_stdout, emit, report_problems, say
    from juyi.cli.progress import work_bar
    from juyi.cli.sections import put_sections
    from juyi.report import reproduction_sections
    from juyi.reproduction import ReproduceOptions, reproduce
    from juyi.tables import load_table

    check_stdout()
    loaded = load_table(table)
    settings = ReproduceOptions(tuple(map(Path, data)), Path(output), Path(runs), **given)
    with work_bar() as progress:
        found = reproduce(
            loaded,
            settings,
            log=say,
            progress=progress,
            overall=lambda done, total: say(_("{done} of {total} experiments are done").format(done=done, total=total)),
        )
    if form == "table":
        put_sections(reproduction_sections(found.record(), brief=True))
    else:
        records = [outcome.record() for outcome in found.outcomes]
        emit([_flat(record) for record in records] if form == "csv" else records, form)
    problems = [f"{name}: {reason}" for name, reason in found.failures.items()]
    if not problems and all(outcome.value is None for outcome in found.outcomes):
        problems = [_("nothing could be measured; each figure says why.")]
    report_problems(problems)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    low, high = record["interval"] or (None, None)
    kept = {name: value for name, value in record.items() if name not in ("interval", "point", "seeds", "labels", "runs")}
    return kept | {"low": low, "high": high, "labels": " ".join(record["labels"])}
