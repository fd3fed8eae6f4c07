"""`juyi encode`: sentences to vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.cli import options
from juyi.embedding_files.options import (
    EMBEDDING_FORMATS,
    EMPTY_CHOICES,
    NUMBER_TYPES,
    EmbeddingFormat,
    Empty,
    NumberType,
    OutputOptions,
)
from juyi.engines.engine import EngineKind, PrecisionChoice
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.data import BadRows, ReadSettings, TextStream
    from juyi.embedding_files import WrittenEmbeddings


@click.command("encode", cls=options.Command)
@click.argument("file", default="-")
@options.model
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="Where to write: .npy, .jsonl, .csv, .parquet or .arrow. [default: stdout]",
)
@click.option("--format", "form", type=click.Choice(EMBEDDING_FORMATS), help="[default: by the name of the output, or jsonl]")
@click.option(
    "--number-type",
    type=click.Choice(NUMBER_TYPES),
    default="float32",
    show_default=True,
    help="How the numbers are stored: int8 keeps the direction of a vector in a quarter of the bytes, binary its signs in a "
    "thirty-second.",
)
@click.option("--dim", type=click.IntRange(min=1), help="Keep only so many numbers of each vector, the first. [default: all]")
@click.option("--normalise", is_flag=True, help="Give every vector length one.")
@options.pooling
@options.prompt
@click.option("--id", "id_column", metavar="NAME", help="The column of the ids, by name or number from 1; they are written too.")
@click.option(
    "--empty",
    type=click.Choice(EMPTY_CHOICES),
    default="error",
    show_default=True,
    help="What becomes of an empty line or cell: an error, a row of zeros, or left out, with the line numbers of the rest.",
)
@click.option(
    "--bad-rows",
    type=click.Choice(("error", "blank")),
    default="error",
    show_default=True,
    help="What becomes of a row that cannot be read: an error, or a blank row, which --empty decides about.",
)
@click.option("--restart", is_flag=True, help="Begin anew where a run was stopped; what was kept of it is deleted.")
@options.reading
@options.engine
@options.precision
def command(
    file: str,
    model: str,
    output: str | None,
    form: EmbeddingFormat | None,
    number_type: NumberType,
    dim: int | None,
    normalise: bool,
    pooling: str | None,
    prompt: str | None,
    id_column: str | None,
    empty: Empty,
    bad_rows: BadRows,
    restart: bool,
    reading: ReadSettings,
    engine: EngineKind,
    precision: PrecisionChoice,
) -> None:
    """Encode the sentences of FILE (txt, csv, tsv, json, jsonl, xlsx, parquet, packed or not; - is stdin), of any number.

    Row i of the matrix is line i of a plain text file, or row i of a table; of several columns row by row, and within a row
    column by column. A blank line at the very end of a text file is no line. With --empty drop the line numbers of the rows are
    written too, with --id the ids: in jsonl, parquet and arrow beside the text, for questions.npy in questions.ids.txt.

    A run that is stopped, by Ctrl-C, a full disk or the power, loses nothing: what is done lies in questions.npy.part, and the
    same command goes on there.

    \b
    Examples:
      juyi encode questions.txt -o questions.npy
      juyi encode answers.csv --column answer --id number -o answers.parquet
      juyi encode crawl.jsonl.gz --bad-rows blank --empty drop --number-type float16 -o crawl.npy
      echo "怎么还信用卡" | juyi encode --format jsonl
      juyi encode questions.txt -m my-e5 --prompt query -o questions.npy
    """
    from contextlib import nullcontext

    from juyi.atomic import check_output_file
    from juyi.cli.output import data_stream, say, say_prompt, stdout_errors
    from juyi.cli.progress import work_bar
    from juyi.data import open_texts
    from juyi.embedding_files import check_source, write_embeddings
    from juyi.embedding_files.targets import streamed
    from juyi.engines import open_engine
    from juyi.poolings import known_pooling

    def opened() -> TextStream:
        return open_texts(file, **reading.arguments(), keep_empty=True, id_column=id_column, bad_rows=bad_rows)

    output = None if output == "-" else output
    stored = OutputOptions(
        format=form or _form(output), number_type=number_type, dim=dim, normalise=normalise, prompt=prompt, empty=empty
    )
    target = data_stream() if output is None else Path(output)
    if isinstance(target, Path) and not streamed(target):
        for path in _written(target, stored, with_ids=id_column is not None):
            check_output_file(path)
            if path.exists() and Path(file).exists() and path.samefile(file):
                raise UsageError(f"{path} is the file that is read, and writing would replace it. Name another output.")
    total = 0
    if Path(file).is_file():  # what can be read twice is looked through before the work
        total = check_source(opened(), stored.format, empty)
    texts = opened()
    several = f" {len(texts.columns)} rows of the matrix for each of the file." if len(texts.columns) > 1 else ""
    say(texts.sentence + several)
    runner = open_engine(model, engine, precision=precision, pooling=known_pooling(pooling), log=say)
    say_prompt(runner.prompts.resolve(prompt))
    with stdout_errors() if output is None else nullcontext(), work_bar(unit="texts") as bar:
        written = write_embeddings(
            runner,
            texts,
            target,
            stored,
            resume=isinstance(target, Path),
            restart=restart,
            progress=lambda done, _, what: bar(done, total, what),
            log=say,
        )
    _report(written, output, stored, texts)


def _written(target: Path, stored: OutputOptions, *, with_ids: bool) -> list[Path]:
    """The files that are written: the vectors, and where there is no place for them in it the ids or line numbers."""
    from juyi.embedding_files import ids_path

    return [target, ids_path(target)] if stored.format in ("npy", "csv") and (with_ids or stored.empty == "drop") else [target]


def _report(written: WrittenEmbeddings, output: str | None, stored: OutputOptions, texts: TextStream) -> None:
    """How much was written, and which texts were empty or could not be read."""
    from juyi.cli.output import say
    from juyi.embedding_files import ids_path, line_list
    from juyi.embedding_files.targets import streamed

    if output is not None:
        say(f"Wrote {written.rows:,} vectors of {written.width} to {output}")
    if written.empty:
        what = "left out" if stored.empty == "drop" else "rows of zeros"
        # Where the line numbers of the rows are written nowhere, all that are missing are named.
        lines = written.empty_lines
        named = ", ".join(map(str, lines)) if written.empty == len(lines) else line_list(lines, written.empty)
        say(f"Empty: {written.empty:,}, {what}; line {named}")
    if (error := texts.left_out.first_error) is not None:
        say(f"Of these could not be read: {texts.left_out}. The first: {error}")
    if output is None or streamed(Path(output)):
        return
    files = _written(Path(output), stored, with_ids=texts.has_ids)
    if len(files) > 1:
        say(f"Wrote the {'ids' if texts.has_ids else 'line numbers'} of the rows to {files[1]}")
    elif stored.format in ("npy", "csv") and ids_path(Path(output)).exists():
        say(f"Note: {ids_path(Path(output))} was there before and does not belong to {output}.")


def _form(output: str | None) -> EmbeddingFormat:
    if output is None:
        return "jsonl"
    suffix = Path(output).suffix.lstrip(".")
    for form in EMBEDDING_FORMATS:
        if suffix == form:
            return form
    raise UsageError(f"{output}: name the output {', '.join(f'.{form}' for form in EMBEDDING_FORMATS)}, or say --format.")
