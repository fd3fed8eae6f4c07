"""A suite that a user wrote down in TOML: tasks of their own files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from juyi.declarations import build
from juyi.errors import DataError, UsageError
from juyi.suites.declared import DeclaredTask


@dataclass(frozen=True)
class SuiteFile:
    """The tables of a suite file."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    task: list[Annotated[DeclaredTask, Field(discriminator="kind")]]


def read_suite_file(path: Path) -> Sequence[DeclaredTask]:
    """The tasks that a suite file declares, one table a task.

    For example::

        [[task]]
        kind = "faq-groups"
        name = "our FAQ"
        file = "faq.tsv"

    Raises:
        DataError: The file cannot be read.
        UsageError: It does not exist, or says something that does not exist.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"The suite file {path} cannot be read ({error.strerror}).") from error
    except OSError as error:
        raise DataError(f"the suite file cannot be read ({error.strerror or error}).", path=path) from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    return build(tables, SuiteFile, origin=str(path)).task
