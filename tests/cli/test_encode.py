"""`juyi encode` on files as people have them: ids, bad rows, kinds of output, and a process that is killed."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import ipc, parquet

from juyi.embeddings import cosine_rows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
Run = Callable[..., Any]


def words(text: str) -> str:
    return " ".join(text.split())


def heard() -> None:
    """Who starts the tests may be deaf to Ctrl-C, and with them all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(
        "number,question,answer\n17,怎么还款,打开应用\n4,如何改密码,点击设置\n9,客服电话是多少,九五五\n", encoding="utf-8"
    )
    return path


def test_a_table_in_a_table_out_with_its_ids(run: Run, table: Path, tmp_path: Path) -> None:
    for form, read in (("parquet", parquet.read_table), ("arrow", lambda path: ipc.open_stream(path).read_all())):
        out = tmp_path / f"out.{form}"
        done = run("encode", table, "--column", "question", "--id", "number", "-o", out)
        assert done.returncode == 0 and "ids from number" in done.stderr, done.stderr
        rows = read(out)
        assert rows["id"].to_pylist() == ["17", "4", "9"] and rows["text"].to_pylist()[1] == "如何改密码"
        assert run("encode", table, "--column", "question", "--id", "number", "-o", tmp_path / "out.npy").returncode == 0
        np.testing.assert_array_equal(np.array(rows["embedding"].to_pylist(), np.float32), np.load(tmp_path / "out.npy"))
    assert (tmp_path / "out.ids.txt").read_text() == "17\n4\n9\n"
    # What was written is read: ids and texts are found by their names, numbers of vectors are no text.
    again = run("encode", tmp_path / "out.parquet", "--id", "id", "-o", tmp_path / "again.npy")
    assert again.returncode == 0 and "not read: embedding" in again.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), np.load(tmp_path / "out.npy"))


def test_fewer_bytes_and_fewer_numbers(run: Run, table: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.npy"
    assert run("encode", table, "--column", "question", "-o", whole).returncode == 0
    for kind, dtype in (("float16", np.float16), ("int8", np.int8)):
        assert run("encode", table, "--column", "question", "--number-type", kind, "-o", tmp_path / "x.npy").returncode == 0
        small = np.load(tmp_path / "x.npy")
        assert small.dtype == dtype and cosine_rows(small.astype(np.float32), np.load(whole)).min() > 0.999
    done = run("encode", table, "--column", "question", "--number-type", "binary", "--dim", "64", "-o", tmp_path / "x.npy")
    assert "Wrote 3 vectors of 64" in done.stderr
    np.testing.assert_array_equal(np.unpackbits(np.load(tmp_path / "x.npy"), axis=1), np.load(whole)[:, :64] > 0)
    wrong = run("encode", table, "--dim", "1000", "-o", tmp_path / "y.npy")
    assert wrong.returncode == 2 and "dim is 1000, and the model's vectors have 384 numbers" in words(wrong.stderr)


def test_a_row_that_cannot_be_read_is_an_error_or_a_blank_row(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("text\tid\n怎么还款\t1\n多\t了\t2\n少了\n如何改密码\t3\n", encoding="utf-8")
    command = ["encode", path, "--id", "id", "-m", "mini-base", "-o", tmp_path / "x.npy"]
    refused = run(*command)
    assert refused.returncode == 1 and "line 3: too many columns" in words(refused.stderr)
    blank = run(*command, "--bad-rows", "blank")
    counted = "2 rows that cannot be read (lines 3, 4), and counted as empty"
    assert blank.returncode == 1 and counted in words(blank.stderr)  # --empty says so
    zero = run(*command, "--bad-rows", "blank", "--empty", "zero")
    assert zero.returncode == 0 and zero.stderr.count("line 3, 4") == 1 and zero.stderr.count("lines 3, 4") == 1, zero.stderr
    assert "Of these could not be read: 2 rows that cannot be read (lines 3, 4). The first: " in zero.stderr
    assert "line 3: too many columns" in words(zero.stderr)
    every, ids = np.load(tmp_path / "x.npy"), (tmp_path / "x.ids.txt").read_text()
    dropped = run(*command, "--bad-rows", "blank", "--empty", "drop")
    assert dropped.returncode == 0, dropped.stderr
    np.testing.assert_array_equal(every[[0, 3]], np.load(tmp_path / "x.npy"))
    assert not every[1:3].any() and ids == "1\n\n\n3\n" and (tmp_path / "x.ids.txt").read_text() == "1\n3\n"


def test_a_file_of_bad_rows_alone_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfd\n" * 3)
    done = run("encode", tmp_path / "a.txt", "--encoding", "utf-8", "--bad-rows", "blank", "--empty", "zero")
    assert done.returncode == 1 and "3 of the first 3 rows cannot be read. The first of them:" in words(done.stderr)


def test_killed_and_repeated_it_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = tmp_path / "q.jsonl"
    texts.write_text("".join(json.dumps({"id": i, "text": f"第{i}问"}, ensure_ascii=False) + "\n" for i in range(13_000)))
    command = [sys.executable, "-m", "juyi.cli.main", "encode", str(texts), "-m", "mini-base", "--id", "id", "--empty", "zero"]
    whole = subprocess.run([*command, "-o", str(tmp_path / "whole.npy")], capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    target, state = tmp_path / "x.npy", tmp_path / "x.npy.part.json"

    def kept() -> int:
        return int(json.loads(state.read_text())["done"]["rows"]) if state.exists() else 0

    for stop, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        before = kept()
        child = subprocess.Popen(
            [*command, "-o", str(target)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heard,  # noqa: PLW1509
        )
        while kept() == before:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(stop)
        said = child.communicate()[1]
        assert child.returncode == code and not target.exists(), said
    assert f"Going on behind row {before:,}" in said and f"Kept: {kept():,} rows in {target}.part" in words(said)
    other = subprocess.run([*command, "-o", str(target), "--normalise"], capture_output=True, text=True, check=False)
    assert other.returncode == 2 and "normalise: False, now True" in words(other.stderr) and "--restart" in other.stderr
    last = subprocess.run([*command, "-o", str(target)], capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    digests = {hashlib.sha256(path.read_bytes()).digest() for path in (target, tmp_path / "whole.npy")}
    assert len(digests) == 1 and (tmp_path / "x.ids.txt").read_text() == (tmp_path / "whole.ids.txt").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"q.jsonl", "whole.npy", "whole.ids.txt", "x.npy", "x.ids.txt"}


def test_begun_anew(run: Run, tmp_path: Path) -> None:
    texts, target = tmp_path / "q.txt", tmp_path / "x.npy"
    texts.write_text("怎么还款\n" * 10, encoding="utf-8")
    (tmp_path / "x.npy.part").write_bytes(b"0" * 1000)
    done = {"texts": 4096, "rows": 4096, "digest": "of other texts", "size": 1000, "ids_size": 0}
    (tmp_path / "x.npy.part.json").write_text(json.dumps({"settings": {"dim": 7}, "done": done, "moved": {}}))
    refused = run("encode", texts, "-o", target)
    assert refused.returncode == 2 and "holds 4,096 rows with other settings" in words(refused.stderr)
    for slip in (["-m", "nowhere"], ["--dim", "1000"], ["--id", "1"]):
        assert run("encode", texts, "-o", target, "--restart", *slip).returncode in (1, 2)
        assert (tmp_path / "x.npy.part").stat().st_size == 1000  # what was kept is deleted when all else is well
    anew = run("encode", texts, "-o", target, "--restart")
    assert anew.returncode == 0 and np.load(target).shape == (10, 384)
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"q.txt", "x.npy"}


def test_the_ids_are_no_file_that_is_read(run: Run, tmp_path: Path) -> None:
    texts = tmp_path / "q.ids.txt"
    texts.write_text("怎么还款\n", encoding="utf-8")
    done = run("encode", texts, "-o", tmp_path / "q.npy", "--empty", "drop")
    assert done.returncode == 2 and "q.ids.txt is the file that is read" in words(done.stderr)
    (tmp_path / "r.ids.txt").mkdir()
    done = run("encode", texts, "-o", tmp_path / "r.npy", "--empty", "drop")
    assert done.returncode == 2 and "r.ids.txt is a folder" in words(done.stderr)
    assert run("encode", texts, "-o", tmp_path / "r.npy").returncode == 0  # without ids it is in nobody's way
