"""`juyi encode`: sentences to vectors."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from juyi.cli import options
from juyi.engines.engine import EMBEDDING_FORMATS, EmbeddingFormat, EngineKind
from juyi.errors import UsageError


@click.command("encode")
@click.argument("file", default="-")
@options.model
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Where to write: .npy, .jsonl or .csv. [default: stdout]")
@click.option("--format", "form", type=click.Choice(EMBEDDING_FORMATS), help="[default: by the name of the output, or jsonl]")
@click.option("--normalise", is_flag=True, help="Give every vector length one.")
@options.pooling
@options.column
@options.encoding
@options.engine
def command(
    file: str,
    model: str,
    output: str | None,
    form: EmbeddingFormat | None,
    normalise: bool,
    pooling: str | None,
    columns: tuple[str, ...],
    encoding: str,
    engine: EngineKind,
) -> None:
    """Encode the sentences of FILE (txt, csv, tsv, jsonl, parquet; .gz and .xz of these; - is stdin), of any number.

    \b
    Examples:
      juyi encode questions.txt -o questions.npy
      echo "怎么还信用卡" | juyi encode --format jsonl
    """
    from juyi.cli.output import say
    from juyi.data import open_texts
    from juyi.engines import open_engine, write_embeddings
    from juyi.poolings import known_pooling

    form = form or _form(output)
    texts = open_texts(file, columns=columns or None, encoding=encoding)
    if texts.columns:
        say(f"Reading column {', '.join(texts.columns)} of {file}")
    opened = open_engine(model, engine, pooling=known_pooling(pooling), log=say)
    target = sys.stdout.buffer if output is None else Path(output)
    count, width = write_embeddings(opened, texts, target, form, normalise=normalise)
    if output is not None:
        say(f"Wrote {count:,} vectors of {width} to {output}")


def _form(output: str | None) -> EmbeddingFormat:
    if output is None:
        return "jsonl"
    suffix = Path(output).suffix.lstrip(".")
    for form in EMBEDDING_FORMATS:
        if suffix == form:
            return form
    raise UsageError(f"{output}: name the output {', '.join(f'.{form}' for form in EMBEDDING_FORMATS)}, or say --format.")
