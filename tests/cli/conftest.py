"""Running `juyi`: as a person does, in a real process; or in this one, which is quicker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from juyi.cli.main import main

Juyi = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def juyi() -> Juyi:
    def run(*arguments: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "juyi.cli.main", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"},
            check=False,
        )

    return run


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of(self, model: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["model"] == model]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """A command in this process; embeddings are kept in `tmp_path / "cache"`."""
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path / "cache"))

    def run(*arguments: object) -> Done:
        code: Any = 0
        try:
            main([*map(str, arguments)])
        except SystemExit as error:
            code = error.code
        return Done(code, *capsys.readouterr())

    return run
