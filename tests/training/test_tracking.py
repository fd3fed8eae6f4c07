from __future__ import annotations

import json
from pathlib import Path

import pytest

from juyi.training import JsonLines


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_one_object_a_line(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "new" / "log.jsonl")
    log.write({"step": 1, "word": "句意"})
    assert written(tmp_path / "new" / "log.jsonl") == [{"step": 1, "word": "句意"}]  # flushed, before it is closed
    log.write({"step": 2})
    assert log.size == (tmp_path / "new" / "log.jsonl").stat().st_size
    log.close()


def test_it_is_cut_back_to_where_a_checkpoint_stood(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonLines(path)
    log.write({"step": 1})
    kept = log.size
    log.write({"step": 2})
    log.close()
    again = JsonLines(path, keep_bytes=kept)
    assert again.size == kept  # also before anything is written
    again.write({"step": 3})
    assert again.size == path.stat().st_size
    again.close()
    assert written(path) == [{"step": 1}, {"step": 3}]


@pytest.mark.parametrize("keep_bytes", [None, 0])
def test_a_new_run_begins_an_empty_log(tmp_path: Path, keep_bytes: int | None) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n')
    log = JsonLines(path, keep_bytes=keep_bytes)
    assert log.size == 0
    log.close()
    assert path.read_bytes() == b""


def test_a_log_that_is_gone_is_not_padded(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "log.jsonl", keep_bytes=500)
    assert log.size == 0
    log.write({"step": 9})
    log.close()
    assert written(tmp_path / "log.jsonl") == [{"step": 9}]
