"""Running `juyi` in this process, which is quicker than in one of its own (`juyi`, in the conftest of all tests)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from juyi.cli.main import main


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
