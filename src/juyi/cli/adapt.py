"""`juyi adapt`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options
from juyi.errors import ColumnsError, DataError

if TYPE_CHECKING:
    from juyi.data import ReadSettings


@click.command("adapt", cls=options.Command)
@click.argument("file", required=False)
@options.model
@options.pooling
@options.prompt
@click.option("--pairs", help="A file of scored pairs to measure on: sentence1, sentence2, score.")
@click.option(
    "--pair-columns",
    metavar="NAME[,NAME]",
    multiple=True,
    callback=options.column_names,
    help="Columns of the pairs: sentence, sentence, score. [default: found by names and content]",
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder for model and report.")
@click.option("--query", "queries", multiple=True, help="Search the sentences for this before and after; may be repeated.")
@options.reading
@options.seed
@options.form("table", "json")
def command(
    file: str | None,
    model: str,
    pooling: str | None,
    prompt: str | None,
    pairs: str | None,
    output: str,
    queries: tuple[str, ...],
    pair_columns: tuple[str, ...],
    reading: ReadSettings,
    seed: int,
    form: str,
) -> None:
    """Adapt an encoder to the unlabelled sentences of FILE and measure raw, whitening, SimCSE and both.

    Without FILE: the sample questions that ship with juyi, and their pairs. Without --pairs nothing is claimed; a sheet of 100
    pairs worth labelling is written instead. OUT/model is the adapted encoder, OUT/report.json all figures.
    A prompt stands before every sentence, in training and measuring; OUT/model keeps the prompts and the default of MODEL.

    \b
    Examples:
      juyi adapt questions.txt -o out
      juyi adapt questions.csv --column question --pairs labelled.tsv -o out --query "信用卡丢了怎么办"
    """
    import json

    from juyi.assets import SAMPLES
    from juyi.cli.adapt_report import print_adaptation
    from juyi.cli.output import check_stdout, put, say
    from juyi.cli.progress import training_bar
    from juyi.data import ReadSettings, read_scored_pairs, read_texts
    from juyi.encoder import EncoderSettings
    from juyi.experiments.adapt import adapt
    from juyi.experiments.development import check_scores
    from juyi.poolings import known_pooling

    check_stdout()
    if file is None:
        file, pairs = str(SAMPLES / "questions.tsv"), pairs or str(SAMPLES / "pairs.tsv")
    settings = EncoderSettings(model=model, pooling=known_pooling(pooling), prompt=prompt)
    corpus = read_texts(file, **reading.arguments(say))
    of_pairs = ReadSettings(columns=pair_columns, label_scores=reading.label_scores)
    try:
        labelled = None if pairs is None else read_scored_pairs(pairs, **of_pairs.arguments(say))
    except ColumnsError as error:
        raise DataError(f"{error} With --pair-columns: those of FILE are another matter.") from error
    if labelled is not None:
        check_scores(labelled, pairs)
    try:
        with training_bar("SimCSE") as progress:
            result = adapt(
                corpus.texts,
                Path(output),
                settings=settings,
                pairs=labelled,
                queries=queries,
                seed=seed,
                log=say,
                progress=progress,
            )
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from where it stood.")
        raise
    if form == "json":
        put(json.dumps(result.as_dict(), ensure_ascii=False, indent=2, default=str))
    else:
        print_adaptation(result, Path(output))
