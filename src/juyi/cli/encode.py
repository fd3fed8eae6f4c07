"""`juyi encode`: sentences to vectors."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click

from juyi.cli import options
from juyi.errors import UsageError


@click.command("encode")
@click.argument("file", default="-")
@options.model
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Where to write: .npy, .jsonl or .csv. [default: stdout]")
@click.option(
    "--format", "form", type=click.Choice(["npy", "jsonl", "csv"]), help="[default: by the name of the output, or jsonl]"
)
@click.option("--normalise", is_flag=True, help="Give every vector length one.")
@options.column
@options.encoding
@options.engine
def command(
    file: str,
    model: str,
    output: str | None,
    form: str | None,
    normalise: bool,
    columns: tuple[str, ...],
    encoding: str,
    engine: str,
) -> None:
    """Encode the sentences of FILE (txt, csv, tsv, jsonl, parquet; .gz and .xz of these; - is stdin).

    \b
    Examples:
      juyi encode questions.txt -o questions.npy
      echo "怎么还信用卡" | juyi encode --format jsonl
    """
    import json

    import numpy as np

    from juyi.cli.output import say
    from juyi.data import read_texts
    from juyi.engines import open_engine

    form = form or _form(output)
    corpus = read_texts(file, columns=columns or None, encoding=encoding)
    if corpus.columns:
        say(f"Reading column {', '.join(corpus.columns)} of {file}: {len(corpus.texts):,} texts")
    vectors = open_engine(model, engine).encode(corpus.texts, normalise=normalise)  # type: ignore[arg-type]
    stream = io.BytesIO()
    if form == "npy":
        np.save(stream, vectors)
    elif form == "jsonl":
        for text, vector in zip(corpus.texts, vectors, strict=True):
            stream.write((json.dumps({"text": text, "embedding": vector.tolist()}, ensure_ascii=False) + "\n").encode())
    else:
        np.savetxt(stream, vectors, delimiter=",", fmt="%.8g")
    if output is None:
        sys.stdout.buffer.write(stream.getvalue())
        return
    target = Path(output)
    draft = target.with_name(f".{target.name}.tmp")
    draft.write_bytes(stream.getvalue())
    draft.replace(target)
    say(f"Wrote {vectors.shape[0]:,} vectors of {vectors.shape[1]} to {output}")


def _form(output: str | None) -> str:
    if output is None:
        return "jsonl"
    suffix = Path(output).suffix.lstrip(".")
    if suffix not in ("npy", "jsonl", "csv"):
        raise UsageError(f"{output}: name the output .npy, .jsonl or .csv, or say --format.")
    return suffix
