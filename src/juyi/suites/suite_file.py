"""A suite that a user wrote down in TOML: tasks of their own files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from juyi.declarations import build
from juyi.errors import UsageError
from juyi.suites import DeclaredTask, Suite, choose, declared_suite, open_suite


@dataclass(frozen=True)
class SuiteFile:
    """The tables of a suite file."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    task: list[Annotated[DeclaredTask, Field(discriminator="kind")]]


def load_suite(
    name: str, data: str | Path | None = None, *, splits: Sequence[str] = (), tasks: Sequence[str] = (), encoding: str = "utf-8"
) -> Suite:
    """A suite by name, from a TOML file that declares its tasks, or of one file of pairs; see `juyi.tasks.open_suite`.

    A suite file has one table a task. Its files are looked for in `data`, or else beside it:

        [[task]]
        kind = "faq-groups"
        name = "our FAQ"
        file = "faq.tsv"

    Raises:
        UsageError: There is no such suite, task or split, or the file says something that does not exist.
        DataError: Data cannot be used.
    """
    if Path(name).suffix != ".toml":
        return open_suite(name, data, splits=splits, tasks=tasks, encoding=encoding)
    path = Path(name)
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The suite file {path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    declared = choose(build(tables, SuiteFile, origin=name).task, tasks, splits, name)
    return declared_suite(path.stem, declared, data if data is not None else path.parent)
