"""Vectors written as they come: any number of texts, in the memory of one block, and every row beside its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from juyi.data import TextRow
from juyi.embedding_files.blocks import Blocks, Source
from juyi.embedding_files.draft import Done
from juyi.embedding_files.formats import Layout, form_of
from juyi.embedding_files.ids import id_lines
from juyi.embedding_files.numbers import stored_numbers, stored_width
from juyi.embedding_files.options import OutputOptions
from juyi.embedding_files.targets import opened_target, streamed
from juyi.embeddings import unit_rows_or_zero
from juyi.engines import Engine
from juyi.engines.engine import BLOCK_TEXTS
from juyi.errors import UsageError
from juyi.types import Embeddings, Log, Progress


@dataclass(frozen=True)
class WrittenEmbeddings:
    """What was written.

    Attributes:
        rows: How many.
        width: Numbers of a vector.
        empty: How many lines had an empty text: rows of zeros, or left out.
        empty_lines: The numbers of the first twenty; of all where they are left out of a stream that has no place for them.
    """

    rows: int
    width: int
    empty: int = 0
    empty_lines: tuple[int, ...] = ()


def write_embeddings(
    engine: Engine,
    texts: Source,
    target: Path | IO[bytes],
    options: OutputOptions = OutputOptions(),
    *,
    resume: bool = False,
    restart: bool = False,
    progress: Progress = lambda *_: None,
    log: Log = lambda _: None,
) -> WrittenEmbeddings:
    """Encode texts and write their vectors, one row a text, in their order.

    A row of a file with ids says its id: in the tables, in jsonl, and beside `x.npy` and `x.csv` in `x.ids.txt`, a line each.

    Args:
        engine: Encodes.
        texts: Any number, taken as they are needed: strings, rows with ids and line numbers, or what `open_texts` gives. One of
            nothing but white space is empty.
        target: A file, written whole or not at all; or an open stream. A device or a pipe that has a name is a stream.
        options: How they are written.
        resume: Keep finished blocks of 4,096 texts beside the target (`x.npy.part`) when the work is stopped, by whatever, and go
            on behind them when it is repeated: on one machine the bytes are those of a run that was never stopped. That the texts
            are the same, their digest says. Of a stream, nothing is kept.
        restart: With `resume`: begin anew, and delete what an earlier run left.
        progress: Is told how many texts are done.
        log: Hears what is kept and what is continued.

    Raises:
        DataError: A text is empty, and that is an error; or an id does not go with the form.
        NonFiniteError: The encoder gives NaN or infinity.
        UsageError: Something among the texts is no string, the target is a folder, the vectors have fewer numbers than `dim` or
            too large ones for the type of numbers, there is no place for ids, or what was kept of an earlier run is of other
            settings or other texts.
        OutputError: The file cannot be written.
        BusyError: Another process writes it.
        MissingExtraError: pyarrow is needed and not installed.
    """
    width = _width(engine, options)
    array = options.format in ("npy", "csv")
    all_named = array and options.empty == "drop" and streamed(target)
    blocks = Blocks(texts, options.format, options.empty, **({"named": None} if all_named else {}))
    layout = Layout(
        stored_width(width, options.number_type),
        stored_numbers(np.zeros((0, width), dtype=np.float32), options.number_type).dtype,
        has_ids=blocks.has_ids,
        has_lines=options.empty == "drop",
        ids_are_numbers=blocks.ids_are_numbers,
    )
    if array and layout.has_ids and streamed(target):
        raise UsageError(
            f"{options.format} on a stream has no place for the ids. Write jsonl, arrow or parquet, or name a file, beside which "
            "they lie."
        )
    form = form_of(options.format, layout)
    beside = array and (layout.has_ids or layout.has_lines)
    settings = _settings(engine, options, layout) if resume else None
    with opened_target(target, form, beside=beside, settings=settings, restart=restart, log=log) as opened:
        blocks.skip(opened.done, progress)
        rows = opened.done.rows
        if not opened.done.size:
            opened.append(form.head(0), b"", Done())
        for block in blocks:
            kept, vectors = _encoded(engine, block, options, width)
            rows += len(kept)
            data = form.block(kept, stored_numbers(vectors, options.number_type))
            ids = id_lines(kept, has_ids=layout.has_ids).encode() if beside else b""
            opened.append(data, ids, Done(blocks.count, rows, blocks.digest))
            progress(blocks.count, 0, "texts")
        opened.close(form, rows)
    return WrittenEmbeddings(rows, width, blocks.empty, tuple(blocks.empty_lines))


def _width(engine: Engine, options: OutputOptions) -> int:
    if options.dim is not None and options.dim > engine.dim:
        raise UsageError(f"dim is {options.dim}, and the model's vectors have {engine.dim:,} numbers. Leave it out for all.")
    return options.dim or engine.dim


def _settings(engine: Engine, options: OutputOptions, layout: Layout) -> dict[str, Any]:
    """What decides about the bytes, in words that an error can name."""
    return {
        "model and pooling": engine.identity,
        "engine": f"{engine.kind}, {engine.precision}",
        "prompt": engine.prompts.resolve(options.prompt).text,
        "dim": options.dim,
        "normalise": options.normalise,
        "number type": options.number_type,
        "format": options.format,
        "empty": options.empty,
        "ids": "none" if not layout.has_ids else "whole numbers" if layout.ids_are_numbers else "texts",
        "texts in a block": BLOCK_TEXTS,
    }


def _encoded(
    engine: Engine, block: Sequence[TextRow], options: OutputOptions, width: int
) -> tuple[Sequence[TextRow], Embeddings]:
    """The rows of a block that are written, and their vectors: empty ones are left out, or rows of zeros."""
    filled = [place for place, row in enumerate(block) if row.text.strip()]
    texts = [block[place].text for place in filled]
    vectors = engine.encode(texts, prompt=options.prompt, normalise=options.normalise and options.dim is None)
    if options.dim is not None:
        vectors = vectors[:, : options.dim]
        vectors = unit_rows_or_zero(vectors) if options.normalise else vectors
    if options.empty == "drop":
        return [block[place] for place in filled], vectors
    every = np.zeros((len(block), width), dtype=np.float32)
    every[filled] = vectors
    return block, every
