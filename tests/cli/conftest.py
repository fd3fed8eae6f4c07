"""Running `juyi` as a person does: a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

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
