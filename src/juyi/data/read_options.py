"""How a file is read where its content shall not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

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
