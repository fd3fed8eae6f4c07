"""How a file is read where its content shall not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

from juyi.types import Log


class ReadOptions(TypedDict, total=False):
    """The keyword arguments of every reader; what is not given is found by the content of the file.

    - `columns`: the columns to read, by header name, key, or number counted from 1.
    - `encoding`: of the text formats, such as gb18030.
    - `format`: one of `juyi.data.FORMATS`.
    - `delimiter`: what parts the cells of a line, such as ";".
    - `header`: whether the first row holds names.
    - `label_scores`: the score that each word in the column of scores stands for.
    - `log`: hears in one line what was understood, and what was left out.
    """

    columns: Sequence[str] | None
    encoding: str | None
    format: str | None
    delimiter: str | None
    header: bool | None
    label_scores: Mapping[str, float] | None
    log: Log


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    """`ReadOptions` as they are declared in a recipe, a suite or on a command line; empty is found by the content of the file.

    Attributes:
        columns: Columns to read, by name or by number counted from 1.
        encoding: Of text files.
        format: One of `juyi.data.FORMATS`.
        delimiter: What parts the cells of a line.
        header: Whether the first row holds names.
        label_scores: The score that each word in the column of scores stands for.
    """

    columns: tuple[str, ...] = ()
    encoding: str = ""
    format: str = ""
    delimiter: str = ""
    header: bool | None = None
    label_scores: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """These settings alone, of whatever they are part of."""
        return {each.name: getattr(self, each.name) for each in fields(ReadSettings)}

    def arguments(self, log: Log = lambda _: None) -> ReadOptions:
        """The keyword arguments for a reader that tells the log what it understood."""
        return {
            "columns": self.columns or None,
            "encoding": self.encoding or None,
            "format": self.format or None,
            "delimiter": self.delimiter or None,
            "header": self.header,
            "label_scores": self.label_scores or None,
            "log": log,
        }
