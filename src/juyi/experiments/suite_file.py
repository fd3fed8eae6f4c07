"""A suite that a user wrote down in TOML: tasks of their own files."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import ConfigDict, Field

from juyi.errors import UsageError
from juyi.experiments.building import build
from juyi.tasks import SUITES, DeclaredTask, Suite, declared_suite, open_suite


class _HasSplit(Protocol):
    @property
    def split(self) -> str: ...


_OfSplit = TypeVar("_OfSplit", bound=_HasSplit)


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
    if Path(name).suffix == ".toml":
        return _declared(Path(name), data, splits, tasks)
    if name not in SUITES and data is not None:
        raise UsageError(f"--data goes with a named suite ({', '.join(SUITES)}) or a .toml file; '{name}' is neither.")
    suite = open_suite(name, data, splits=splits, tasks=tasks, encoding=encoding)
    if name in ("zh-sts", "zh-pairs", "en-sts"):  # have chosen their splits
        return suite
    return dataclasses.replace(suite, tasks=_of_splits(suite.tasks, splits, name))


def _declared(path: Path, data: str | Path | None, splits: Sequence[str], tasks: Sequence[str]) -> Suite:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The suite file {path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    declared = build(tables, SuiteFile, origin=str(path)).task
    known = list(dict.fromkeys(each.name for each in declared))
    if strange := [task for task in tasks if task not in known]:
        raise UsageError(f"There is no task '{strange[0]}' in {path}. There are: {', '.join(known)}.")
    asked = [each for each in declared if not tasks or each.name in tasks]
    return declared_suite(path.stem, _of_splits(asked, splits, path), data if data is not None else path.parent)


def _of_splits(tasks: Sequence[_OfSplit], splits: Sequence[str], suite: str | Path) -> list[_OfSplit]:
    chosen = [task for task in tasks if not splits or task.split in splits]
    if tasks and not chosen:
        there = ", ".join(dict.fromkeys(task.split for task in tasks))
        raise UsageError(f"The suite {suite} has no split '{splits[0]}'. There are: {there}.")
    return chosen
