"""Running `juyi`: as a person does, in a real process; or in this one, which is quicker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from juyi.cli.main import main

SERVER = Path(__file__).parent / "warm_server.py"
Juyi = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def warm() -> Iterator[subprocess.Popen[str]]:
    """See `warm_server.py`."""
    server = subprocess.Popen([sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with server:
        yield server


@pytest.fixture(scope="session")
def juyi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Juyi:
    """A command in a process of its own."""

    def run(*arguments: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        words, environment = [*map(str, arguments)], {**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
        if not hasattr(os, "fork"):
            command = [sys.executable, "-m", "juyi.cli.main", *words]
            options: dict[str, Any] = {"input": stdin, "capture_output": True, "encoding": "utf-8", "env": environment}
            return subprocess.run(command, check=False, **options)
        server = request.getfixturevalue("warm")
        streams = [tmp_path_factory.mktemp("streams") / name for name in ("in", "out", "error")]
        for stream, content in zip(streams, (stdin or "", "", ""), strict=True):
            stream.write_text(content, encoding="utf-8")
        asked = {"arguments": words, "environment": environment, "folder": str(Path.cwd()), "streams": [*map(str, streams)]}
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, error = (stream.read_bytes().decode("utf-8") for stream in streams[1:])
        return subprocess.CompletedProcess(words, status, out, error)

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
