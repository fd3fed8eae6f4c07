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
@click.option("--pairs", default="", help="Scored pairs: sentence, sentence, score, or 0 and 1.")
@click.option("--groups", default="", help="Questions that mean the same: group, question; or a FAQ with its answers.")
@click.option("--clicks", default="", help="Queries, each with what was taken: query, text.")
@click.option("--queries", default="", help="Queries with the id of what answers them: id, query. Needs --corpus.")
@click.option("--intents", default="", help="Queries with their intents; oos or 其他 for those that have none.")
@click.option("--corpus", default="", help="What the ids of --queries or --groups mean: id, text.")
@click.option(
    "--label-columns",
    "--pair-columns",
    "label_columns",
    metavar="NAME[,NAME]",
    multiple=True,
    callback=options.column_names,
    help="Columns of the labels, in the order above; --column is for those of FILE. [default: found by names and content]",
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder for model and report.")
@click.option("--minutes", default=5.0, show_default=True, help="How long trying candidates may take.")
@click.option("--portfolio", default="default", show_default=True, help="The candidates: a name, or a TOML file.")
@click.option("--keep-candidates", is_flag=True, help="Write the best of every other kind to OUT/candidates too.")
@click.option("--query", "searches", multiple=True, help="Search for this before and after; may be repeated.")
@options.reading
@options.seed
@options.form("table", "json")
def command(
    file: str | None,
    model: str,
    pooling: str | None,
    prompt: str | None,
    output: str,
    minutes: float,
    portfolio: str,
    keep_candidates: bool,
    searches: tuple[str, ...],
    label_columns: tuple[str, ...],
    reading: ReadSettings,
    seed: int,
    form: str,
    **labels: str,
) -> None:
    """Find the best encoder for the sentences of FILE and for what their labels say, and decide.

    What labels there are is up to you: any of --pairs, --groups, --clicks, --queries and --intents, of any size from some dozens
    on. The candidates (whitening, word overlap, training on the labels, SimCSE, ESimCSE) are measured on labels that took no
    part in choosing or learning. OUT/model is the recommended encoder, ready to be used; OUT/report.html is a page to read,
    OUT/report.json holds all figures. Without labels nothing is claimed: there is a hint, with what such a hint was worth where
    labels could be asked, and OUT holds a sheet of 100 pairs worth labelling. What is filled in there, by hand or with
    `juyi label OUT`, counts when the same command is run again.

    Without FILE the sentences are those of the labels; without labels too it is the sample FAQ that ships with juyi.
    A prompt stands before every sentence, in training and measuring; OUT/model keeps the prompts and the default of MODEL.

    \b
    Examples:
      juyi adapt questions.txt -o out
      juyi adapt questions.txt --groups faq.tsv -o out --query "信用卡丢了怎么办"
      juyi adapt questions.csv --column question --pairs labelled.tsv -o out
      juyi adapt --intents intents.xlsx -m bert-base-chinese --minutes 20 -o out
    """
    import json

    from juyi.adaptation import AdaptOptions, LabelFiles, adapt, read_evidence
    from juyi.assets import SAMPLES
    from juyi.cli.adapt_report import print_adaptation
    from juyi.cli.output import check_stdout, put, say
    from juyi.cli.progress import work_bar
    from juyi.data import ReadSettings, read_texts
    from juyi.encoder import EncoderSettings
    from juyi.poolings import known_pooling

    check_stdout()
    if file is None and not any(labels.values()):
        file = str(SAMPLES / "questions.tsv")
        labels |= {"groups": str(SAMPLES / "faq_paraphrases.tsv"), "corpus": str(SAMPLES / "faq.tsv")}
    settings = EncoderSettings(model=model, pooling=known_pooling(pooling), prompt=prompt)
    chosen = AdaptOptions(settings, portfolio, minutes, searches, keep_candidates, seed)
    corpus = [] if file is None else read_texts(file, **reading.arguments(say)).texts
    of_labels = ReadSettings(columns=label_columns, label_scores=reading.label_scores)
    try:
        evidence = read_evidence(LabelFiles(**labels, reading=of_labels), say)
    except ColumnsError as error:
        raise DataError(f"{error} With --label-columns: those of FILE are another matter.") from error
    try:
        with work_bar() as progress:
            result = adapt(corpus, Path(output), evidence, chosen, log=say, progress=progress)
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from where it stood.")
        raise
    if form == "json":
        put(json.dumps(result.as_dict(), ensure_ascii=False, indent=2, default=str))
    else:
        print_adaptation(result, Path(output))
