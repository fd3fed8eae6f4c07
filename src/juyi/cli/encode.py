"""`juyi encode`: sentences to vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options
from juyi.engines.engine import EMBEDDING_FORMATS, EMPTY_CHOICES, EmbeddingFormat, Empty, EngineKind
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.data import ReadSettings
    from juyi.engines import WrittenEmbeddings


@click.command("encode", cls=options.Command)
@click.argument("file", default="-")
@options.model
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Where to write: .npy, .jsonl or .csv. [default: stdout]")
@click.option("--format", "form", type=click.Choice(EMBEDDING_FORMATS), help="[default: by the name of the output, or jsonl]")
@click.option("--normalise", is_flag=True, help="Give every vector length one.")
@options.pooling
@options.prompt
@click.option(
    "--empty",
    type=click.Choice(EMPTY_CHOICES),
    default="error",
    show_default=True,
    help="What becomes of an empty line or cell: an error, a row of zeros, or left out, with the line numbers of the rest.",
)
@options.reading
@options.engine
def command(
    file: str,
    model: str,
    output: str | None,
    form: EmbeddingFormat | None,
    normalise: bool,
    pooling: str | None,
    prompt: str | None,
    empty: Empty,
    reading: ReadSettings,
    engine: EngineKind,
) -> None:
    """Encode the sentences of FILE (txt, csv, tsv, json, jsonl, xlsx, parquet, packed or not; - is stdin), of any number.

    Row i of the matrix is line i of a plain text file, or row i of a table; of several columns row by row, and within a row
    column by column. A blank line at the very end of a text file is no line. With --empty drop the line numbers of the rows are
    written too: in jsonl as "line", beside questions.npy as questions.ids.txt.

    \b
    Examples:
      juyi encode questions.txt -o questions.npy
      juyi encode answers.csv --column answer --empty zero -o answers.npy
      echo "怎么还信用卡" | juyi encode --format jsonl
      juyi encode questions.txt -m my-e5 --prompt query -o questions.npy
    """
    from contextlib import nullcontext
    from itertools import tee

    from juyi.atomic import check_output_file, is_stream
    from juyi.cli.output import data_stream, say, say_prompt, stdout_errors
    from juyi.data import TextStream, open_texts
    from juyi.engines import check_filled, open_engine, write_embeddings
    from juyi.poolings import known_pooling

    def opened() -> TextStream:
        return open_texts(file, **reading.arguments(), keep_empty=True)

    output = None if output == "-" else output
    form = form or _form(output)
    target = data_stream() if output is None else Path(output)
    if isinstance(target, Path) and not is_stream(target):
        check_output_file(target)
        if target.exists() and Path(file).exists() and target.samefile(file):
            raise UsageError(f"{output} is the file that is read, and writing would replace it. Name another output.")
    if empty == "error" and Path(file).is_file():  # what can be read twice is looked through before the work
        check_filled(opened().numbered(), file)
    texts = opened()
    several = f" {len(texts.columns)} rows of the matrix for each of the file." if len(texts.columns) > 1 else ""
    say(texts.sentence + several)
    runner = open_engine(model, engine, pooling=known_pooling(pooling), log=say)
    say_prompt(runner.prompts.resolve(prompt))
    lines, sentences = tee(texts.numbered())
    with stdout_errors() if output is None else nullcontext():
        written = write_embeddings(
            runner,
            (text for _, text in sentences),
            target,
            form,
            prompt=prompt,
            normalise=normalise,
            empty=empty,
            numbers=(line for line, _ in lines),
        )
    _report(written, output, form, empty)


def _report(written: WrittenEmbeddings, output: str | None, form: EmbeddingFormat, empty: Empty) -> None:
    """How much was written, and which texts were empty."""
    from juyi.atomic import is_stream
    from juyi.cli.output import say
    from juyi.engines import ids_path, line_list

    ids = None if output is None or is_stream(output) else ids_path(Path(output))
    if output is not None:
        say(f"Wrote {written.rows:,} vectors of {written.width} to {output}")
    if written.empty:
        what = "left out" if empty == "drop" else "rows of zeros"
        # Where the line numbers of the rows are written nowhere, all that are missing are named.
        named = line_list(written.empty) if ids is not None or form == "jsonl" else ", ".join(map(str, written.empty))
        say(f"Empty: {len(written.empty):,}, {what}; line {named}")
    if ids is not None and form != "jsonl":
        if empty == "drop":
            say(f"Wrote the line numbers of the rows to {ids}")
        elif ids.exists():
            say(f"Note: {ids} is of an earlier run and does not belong to {output}; delete it.")


def _form(output: str | None) -> EmbeddingFormat:
    if output is None:
        return "jsonl"
    suffix = Path(output).suffix.lstrip(".")
    for form in EMBEDDING_FORMATS:
        if suffix == form:
            return form
    raise UsageError(f"{output}: name the output {', '.join(f'.{form}' for form in EMBEDDING_FORMATS)}, or say --format.")
