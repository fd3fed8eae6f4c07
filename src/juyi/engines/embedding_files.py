"""Embeddings written to a file as they come: any number of texts, in the memory of one block, and every row beside its text."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import IO

import numpy as np

from juyi.atomic import is_stream, replaced_file
from juyi.embeddings import check_texts
from juyi.engines.engine import BLOCK_TEXTS, EMBEDDING_FORMATS, EMPTY_CHOICES, EmbeddingFormat, Empty, Engine
from juyi.errors import DataError, UsageError
from juyi.prompts import Prompt
from juyi.types import Embeddings, Encode

_MOST_NAMED = 20


@dataclass(frozen=True)
class WrittenEmbeddings:
    """What was written.

    Attributes:
        rows: How many.
        width: Of a row.
        empty: The line numbers of the texts that were empty: rows of zeros, or left out.
    """

    rows: int
    width: int
    empty: tuple[int, ...] = ()


def write_embeddings(
    engine: Engine,
    texts: Iterable[str],
    target: Path | IO[bytes],
    form: EmbeddingFormat,
    *,
    prompt: str | Prompt | None = None,
    normalise: bool = False,
    empty: Empty = "error",
    numbers: Iterable[int] | None = None,
) -> WrittenEmbeddings:
    """Encode texts and write their vectors, one row a text, in their order.

    Args:
        engine: Encodes.
        texts: Any number, taken as they are needed; one of nothing but white space is empty.
        target: A file, written whole or not at all; or an open stream. A device or a pipe that has a name is a stream.
        form: `npy` is one float32 array; `jsonl` an object a line, with "text" and "embedding"; `csv` the numbers alone.
        prompt: Put before each text; see `Engine.encode`.
        normalise: Give every vector length one.
        empty: What becomes of an empty text: `error` refuses it, `zero` writes a row of zeros, `drop` leaves it out. Then the
            line numbers of the rows are written too: in jsonl as "line", beside `x.npy` or `x.csv` as `x.ids.txt`; beside a
            stream there is no place for them, and `empty` of the result says what is missing.
        numbers: The line number of each text; 1, 2, 3 … where they are not given.

    Raises:
        DataError: A text is empty, and that is an error.
        NonFiniteError: The encoder gives NaN or infinity.
        UsageError: There is no such form or choice, something among the texts is no string, or the target is a folder.
        OutputError: The file cannot be written.
    """
    if form not in EMBEDDING_FORMATS:
        raise UsageError(f"'{form}' is no form of embeddings. There are {', '.join(EMBEDDING_FORMATS)}.")
    if empty not in EMPTY_CHOICES:
        raise UsageError(f"'{empty}' is nothing that can be done with an empty text. There are {', '.join(EMPTY_CHOICES)}.")
    if isinstance(texts, str):
        check_texts(texts)  # raises
    with ExitStack() as files:
        if isinstance(target, Path) and is_stream(target):
            target = files.enter_context(target.open("wb"))
        encode = partial(engine.encode, prompt=prompt, normalise=normalise)
        blocks = _Blocks(encode, engine.dim, zip(count(1) if numbers is None else numbers, texts, strict=False), empty)
        if isinstance(target, Path):
            stream: IO[bytes] = files.enter_context(files.enter_context(replaced_file(target)).open("wb"))
            if empty == "drop" and form != "jsonl":
                draft = files.enter_context(replaced_file(ids_path(target)))
                blocks.ids = files.enter_context(draft.open("w", encoding="ascii"))
            return _write(blocks, stream, form)
        if form != "npy":
            return _write(blocks, target, form)
        draft_stream = files.enter_context(tempfile.TemporaryFile())  # the head, which says how many rows follow, is known last
        written = _write(blocks, draft_stream, form)
        draft_stream.seek(0)
        shutil.copyfileobj(draft_stream, target)
        return written


def ids_path(target: Path) -> Path:
    """Where the line numbers of the rows of `x.npy` lie when empty texts were left out: `x.ids.txt`."""
    return target.with_suffix(".ids.txt")


def check_filled(rows: Iterable[tuple[int, str]], source: str) -> None:
    """Refuse a file with empty texts before any of it is encoded; all are named.

    Args:
        rows: Line numbers and texts.
        source: The file.

    Raises:
        DataError: A text is empty.
    """
    if empty := [number for number, text in rows if not text.strip()]:
        raise _empty_error(empty, source)


def _empty_error(empty: Sequence[int], source: str | None) -> DataError:
    place = "this text" if source is not None else f"the text of line {empty[0]}"
    lines = f"{place} is empty" if len(empty) == 1 else f"{len(empty):,} texts are empty, on the lines {line_list(empty)}"
    return DataError(
        f"{lines}, and a row for it would be made of nothing. Fill it in or take it out; or set 'empty' to zero, "
        "which writes a row of zeros, or to drop, which leaves it out and writes the line numbers of the others.",
        path=source,
        line=empty[0] if source is not None else None,
    )


def line_list(lines: Sequence[int]) -> str:
    """Line numbers for people, the first twenty: "3, 7, 12 and 30 others"."""
    shown = ", ".join(map(str, lines[:_MOST_NAMED]))
    return shown + (f" and {len(lines) - _MOST_NAMED:,} others" if len(lines) > _MOST_NAMED else "")


class _Blocks:
    """The texts that become rows, block after block, with their line numbers and vectors; notes the empty ones."""

    def __init__(self, encode: Encode, dim: int, rows: Iterator[tuple[int, str]], empty: Empty) -> None:
        self._encode, self._rows, self._choice = encode, rows, empty
        self.dim = dim
        self.empty: list[int] = []
        self.numbered = empty == "drop"
        self.ids: IO[str] | None = None

    def __iter__(self) -> Iterator[tuple[Sequence[int], Sequence[str], Embeddings]]:
        done = 0
        while block := list(islice(self._rows, BLOCK_TEXTS)):
            texts = check_texts([text for _, text in block], f"texts, from number {done} on," if done else "texts")
            done += len(block)
            filled = [place for place, text in enumerate(texts) if text.strip()]
            if len(filled) < len(block):
                self.empty += [number for number, text in block if not text.strip()]
                if self._choice == "error":
                    raise _empty_error(self.empty, None)
            vectors = self._encode([texts[i] for i in filled])
            if self._choice == "drop":
                lines = [block[i][0] for i in filled]
                if self.ids is not None:
                    self.ids.writelines(f"{line}\n" for line in lines)
                yield lines, [texts[i] for i in filled], vectors
            else:
                every = np.zeros((len(block), self.dim), dtype=np.float32)
                every[filled] = vectors
                yield [number for number, _ in block], texts, every


def _write(blocks: _Blocks, stream: IO[bytes], form: str) -> WrittenEmbeddings:
    rows = 0
    if form == "npy":
        _write_head(stream, 0, blocks.dim)
    for lines, texts, vectors in blocks:
        rows += len(vectors)
        match form:
            case "npy":
                stream.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
            case "jsonl":
                for number, text, vector in zip(lines, texts, vectors, strict=True):
                    line = {"line": number} if blocks.numbered else {}
                    record = {**line, "text": text, "embedding": vector.tolist()}
                    stream.write(f"{json.dumps(record, ensure_ascii=False)}\n".encode())
            case _:
                np.savetxt(stream, vectors, delimiter=",", fmt="%.8g")
    if form == "npy":
        stream.seek(0)
        _write_head(stream, rows, blocks.dim)
        stream.seek(0, 2)
    return WrittenEmbeddings(rows, blocks.dim, tuple(blocks.empty))


def _write_head(stream: IO[bytes], rows: int, dim: int) -> None:
    """As long for any count: numpy leaves room for the first axis to grow."""
    head = {"descr": "<f4", "fortran_order": False, "shape": (rows, dim)}
    np.lib.format.write_array_header_1_0(stream, head)
