"""A suite that a user wrote down in TOML: tasks of their own files."""

from __future__ import annotations

import dataclasses
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
    """The tables of a suite file, and the prompts of all tasks that ask for none themselves.

    Attributes:
        task: The tasks.
        prompt: Before every text.
        query_prompt: Before the queries of the tasks that search.
        corpus_prompt: Before what these search.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    task: list[Annotated[DeclaredTask, Field(discriminator="kind")]]
    prompt: str | None = None
    query_prompt: str | None = None
    corpus_prompt: str | None = None

    def with_prompts(self, task: DeclaredTask) -> DeclaredTask:
        """A task with the prompts of the file where it asks for none itself."""
        if task.prompt is not None:
            return task
        own = {name: getattr(self, name) for name in ("prompt", "query_prompt", "corpus_prompt")}
        return dataclasses.replace(task, **{name: text for name, text in own.items() if getattr(task, name, "") is None})


def read_suite_file(path: Path) -> Sequence[DeclaredTask]:
    """The tasks that a suite file declares, one table a task.

    For example::

        [[task]]
        kind = "faq-groups"
        name = "our FAQ"
        file = "faq.tsv"
        query_prompt = "query"

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
    suite = build(tables, SuiteFile, origin=str(path))
    return [suite.with_prompts(task) for task in suite.task]
