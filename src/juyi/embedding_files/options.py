"""How vectors are written. Needs nothing: the command line asks for the choices before it needs numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.prompts import Prompt

EmbeddingFormat = Literal["npy", "jsonl", "csv", "parquet", "arrow"]
EMBEDDING_FORMATS: tuple[EmbeddingFormat, ...] = get_args(EmbeddingFormat)

NumberType = Literal["float32", "float16", "int8", "binary"]
NUMBER_TYPES: tuple[NumberType, ...] = get_args(NumberType)

Empty = Literal["error", "zero", "drop"]
EMPTY_CHOICES: tuple[Empty, ...] = get_args(Empty)


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """How vectors are written.

    Attributes:
        format: `npy` is one array; `jsonl` an object a line, with "text" and "embedding"; `csv` the numbers alone; `parquet` and
            `arrow` (the stream format of Arrow) are tables with the columns `line` or `id`, `text` and `embedding`.
        number_type: `float32`, `float16`, `int8`, `binary`; see `stored_numbers`.
        dim: Keep the first so many numbers of each vector, for encoders that were trained for it; None keeps all.
        normalise: Give every vector length one, after it was cut.
        prompt: Put before each text; see `Engine.encode`.
        empty: What becomes of an empty text: `error` refuses it, `zero` writes a row of zeros, `drop` leaves it out. Then the
            line numbers of the rows are written too, where they have no ids: in jsonl as "line" (beside ids as well), beside
            `x.npy` or `x.csv` as `x.ids.txt`; beside a stream there is no place for them, and `empty_lines` of the result says
            which are missing.

    Raises:
        UsageError: There is no such choice, or `dim` is not above 0.
    """

    format: EmbeddingFormat = "npy"
    number_type: NumberType = "float32"
    dim: int | None = None
    normalise: bool = False
    prompt: str | Prompt | None = None
    empty: Empty = "error"

    def __post_init__(self) -> None:
        _check_choice(self.format, EMBEDDING_FORMATS, "form of embeddings")
        _check_choice(self.number_type, NUMBER_TYPES, "type of numbers")
        _check_choice(self.empty, EMPTY_CHOICES, "thing that can be done with an empty text")
        if self.dim is not None and self.dim < 1:
            raise UsageError(f"dim is {self.dim}; a vector has at least one number.")


def _check_choice(value: Any, choices: tuple[Any, ...], what: str) -> None:
    if value not in choices:
        raise UsageError(f"'{value}' is no {what}. There are {', '.join(choices)}.")
