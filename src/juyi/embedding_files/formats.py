"""The forms of a file of vectors: what stands at its head, in a block of it, and at its end.

Every form grows by appending, so that a file that was cut after a whole block can be continued.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from juyi.data import TextRow
from juyi.embedding_files.options import EmbeddingFormat
from juyi.extras import require

TURNED = ".turned"
"""The ending of a draft that was turned into its last form."""

_GROUP_ROWS = 1 << 16
_GROUP_BYTES = 1 << 26


@dataclass(frozen=True)
class Layout:
    """What every block of a file has in common.

    Attributes:
        width: Stored numbers of a row.
        numbers: The type of these numbers.
        has_ids: Whether the rows have ids.
        has_lines: Whether lines may be left out, so that each row says its own.
        ids_are_numbers: Whether the ids are whole numbers rather than texts.
    """

    width: int
    numbers: np.dtype[Any]
    has_ids: bool = False
    has_lines: bool = False
    ids_are_numbers: bool = False


class Form(Protocol):
    """A form of file. The bytes of `head(rows)` are as many for any number of rows.

    Attributes:
        streams: Whether it can be written from the first byte to the last, without going back.
    """

    streams: bool

    def head(self, rows: int) -> bytes:
        """What stands before the first block of a file of so many rows."""
        ...

    def block(self, rows: Sequence[TextRow], vectors: NDArray[Any]) -> bytes:
        """A block of it.

        Shapes:
            rows: n; vectors: (n, width), as they are stored.
        """
        ...

    def tail(self) -> bytes:
        """What stands behind the last block."""
        ...

    def finish(self, draft: Path) -> Path:
        """The file that is wanted: the draft, or where blocks alone are no such file, another that is made of it."""
        ...


def form_of(name: EmbeddingFormat, layout: Layout) -> Form:
    """A form by its name.

    Raises:
        MissingExtraError: pyarrow is needed and not installed.
    """
    kinds: dict[EmbeddingFormat, Callable[[Layout], Form]] = {
        "npy": Npy,
        "jsonl": JsonLines,
        "csv": Csv,
        "parquet": Parquet,
        "arrow": Arrow,
    }
    return kinds[name](layout)


class _Appended:
    """A form without head and tail."""

    streams = True

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def head(self, rows: int) -> bytes:
        return b""

    def tail(self) -> bytes:
        return b""

    def finish(self, draft: Path) -> Path:
        return draft


class Npy(_Appended):
    """One array; `numpy.load(path, mmap_mode="r")` opens it without reading it."""

    streams = False

    def head(self, rows: int) -> bytes:
        """As long for any count: numpy leaves room for the first axis to grow."""
        stream = io.BytesIO()
        head = {"descr": self.layout.numbers.str, "fortran_order": False, "shape": (rows, self.layout.width)}
        np.lib.format.write_array_header_1_0(stream, head)
        return stream.getvalue()

    def block(self, rows: Sequence[TextRow], vectors: NDArray[Any]) -> bytes:
        """The numbers, row after row."""
        return vectors.tobytes()


class Csv(_Appended):
    """The numbers alone, a row a line."""

    def block(self, rows: Sequence[TextRow], vectors: NDArray[Any]) -> bytes:
        """Floats so that float32 is read back as it was."""
        stream = io.BytesIO()
        np.savetxt(stream, vectors, delimiter=",", fmt="%.8g" if vectors.dtype.kind == "f" else "%d")
        return stream.getvalue()


class JsonLines(_Appended):
    """An object a line: `id` or `line` where there is one to be said, `text`, `embedding`."""

    def block(self, rows: Sequence[TextRow], vectors: NDArray[Any]) -> bytes:
        """The lines."""
        return "".join(
            f"{json.dumps(self._record(row, vector), ensure_ascii=False)}\n" for row, vector in zip(rows, vectors, strict=True)
        ).encode()

    def _record(self, row: TextRow, vector: NDArray[Any]) -> dict[str, Any]:
        record: dict[str, Any] = {"id": row.id} if self.layout.has_ids else {}
        if self.layout.has_lines:
            record["line"] = row.line
        return {**record, "text": row.text, "embedding": vector.tolist()}


class Arrow(_Appended):
    """A table in Arrow's stream format: `id` or `line`, `text`, `embedding` as a list of fixed size.

    `pyarrow.ipc.open_stream` reads it, from a memory map too.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._arrow = require("pyarrow", extra="hub", purpose="writing parquet and arrow files")
        key = "line" if not layout.has_ids else "id"
        texts = layout.has_ids and not layout.ids_are_numbers
        self._schema = self._arrow.schema(
            [
                (key, self._arrow.string() if texts else self._arrow.int64()),
                ("text", self._arrow.string()),
                ("embedding", self._arrow.list_(self._arrow.from_numpy_dtype(layout.numbers), layout.width)),
            ]
        )

    def head(self, rows: int) -> bytes:
        """The schema."""
        return bytes(self._schema.serialize())

    def block(self, rows: Sequence[TextRow], vectors: NDArray[Any]) -> bytes:
        """A record batch."""
        if not rows:
            return b""
        columns = [
            self._arrow.array([row.id if self.layout.has_ids else row.line for row in rows], self._schema.field(0).type),
            self._arrow.array([row.text for row in rows], self._arrow.string()),
            self._arrow.FixedSizeListArray.from_arrays(self._arrow.array(vectors.reshape(-1)), self.layout.width),
        ]
        return bytes(self._arrow.record_batch(columns, schema=self._schema).serialize())

    def tail(self) -> bytes:
        """The mark of the end: a message of no length."""
        return b"\xff\xff\xff\xff\0\0\0\0"


class Parquet(Arrow):
    """A table in parquet: written as Arrow first, and turned at the end, for a parquet file cannot be continued."""

    streams = False

    def finish(self, draft: Path) -> Path:
        """Group after group of rows, in the memory of one."""
        parquet = require("pyarrow.parquet", extra="hub", purpose="writing parquet files")
        turned = draft.with_name(f"{draft.name}{TURNED}")
        try:
            with (
                self._arrow.OSFile(str(draft)) as source,
                parquet.ParquetWriter(turned, self._schema, compression="zstd", use_dictionary=False) as target,
            ):
                for group in self._groups(self._arrow.ipc.open_stream(source)):
                    target.write_table(group, row_group_size=group.num_rows)
            with turned.open("r+b") as written:
                os.fsync(written.fileno())
        except BaseException:
            turned.unlink(missing_ok=True)
            raise
        return turned

    def _groups(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Tables of many rows, for each group of a file costs its readers something."""
        group: list[Any] = []
        for batch in batches:
            group.append(batch)
            if sum(each.num_rows for each in group) >= _GROUP_ROWS or sum(each.nbytes for each in group) >= _GROUP_BYTES:
                yield self._arrow.Table.from_batches(group)
                group = []
        if group:
            yield self._arrow.Table.from_batches(group)
