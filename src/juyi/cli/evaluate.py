"""`juyi evaluate`: measure an encoder on tasks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.cli import options


@click.command("evaluate")
@click.argument("model", default="")
@click.option("--suite", default="zh-sts", show_default=True, help="zh-sts (the Chinese five), or a file of scored pairs.")
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="The folder of the suite's files.")
@click.option("--split", "splits", multiple=True, help="train, dev, test; may be repeated. [default: dev and test]")
@click.option("--task", "tasks", multiple=True, help="Only this task of the suite; may be repeated.")
@options.pooling
@click.option(
    "--whiten", is_flag=True, help="Whiten with the sentences of each task (transductive), as in the Chinese experiments."
)
@options.engine
@options.form("table", "json", "jsonl", "csv")
def command(
    model: str,
    suite: str,
    data: str | None,
    splits: tuple[str, ...],
    tasks: tuple[str, ...],
    pooling: str | None,
    whiten: bool,
    engine: str,
    form: str,
) -> None:
    """Measure MODEL: Spearman of cosine and gold score, times 100, with a 95 % interval, per split, avg and w-avg.

    The folder of zh-sts holds ATEC, BQ, LCQMC, PAWSX and STS-B as task.split.tsv, as TASK/TASK.split.data (senteval_cn), or as
    CNSD files.

    \b
    Examples:
      juyi evaluate --suite zh-sts --data senteval_cn
      juyi evaluate bert-base-chinese --pooling first-last-avg --suite pairs.tsv
    """
    from juyi.cli.evaluation import evaluate
    from juyi.cli.output import emit, say

    result, warnings = evaluate(
        model, suite, None if data is None else Path(data), splits, tasks, pooling=pooling, whiten=whiten, engine=engine
    )
    for warning in warnings:
        say(f"Note: {warning}")
    records = [score.as_record(model or DEFAULT_ENCODER) for score in result]
    emit([_row(record) for record in records] if form in ("table", "csv") else records, form)
    if not records:
        sys.exit(1)


def _row(record: dict[str, Any]) -> dict[str, Any]:
    interval = record["interval"]
    return {
        "task": record["task"],
        "split": record["split"],
        "pairs": record["count"],
        record["metric"]: f"{record['value']:.2f}",
        "95 % interval": "" if interval is None else f"{interval[0]:.2f} – {interval[1]:.2f}",
        "labels": ", ".join(record["labels"]),
    }
