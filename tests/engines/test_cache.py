from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.engines import CachedEncode, cache_folder
from juyi.errors import UsageError
from juyi.types import Embeddings

TEXTS = ["一", "二", "三", "四", "五"]


class Recording:
    """An encoder that notes what it was asked; it may fail at its n-th call."""

    def __init__(self, fails_at: int = 0) -> None:
        self.asked: list[list[str]] = []
        self.fails_at = fails_at

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.asked.append(list(texts))
        if len(self.asked) == self.fails_at:
            raise KeyboardInterrupt
        return vectors(texts)


def vectors(texts: Sequence[str]) -> Embeddings:
    rows = [np.random.default_rng(list(text.encode())).normal(size=3) for text in texts]
    return np.array(rows, dtype=np.float32).reshape(-1, 3)


def silent(texts: Sequence[str]) -> Embeddings:
    raise AssertionError(f"asked for {texts}")


def test_each_text_is_encoded_once_and_rows_keep_their_order(tmp_path: Path) -> None:
    recording = Recording()
    encode = CachedEncode(recording, "f", tmp_path)
    np.testing.assert_array_equal(encode(["二", "一", "二"]), vectors(["二", "一", "二"]))
    np.testing.assert_array_equal(encode(["三", "二"]), vectors(["三", "二"]))
    assert recording.asked == [["二", "一"], ["三"]]
    # Another instance, as in a later process, knows them all.
    np.testing.assert_array_equal(CachedEncode(silent, "f", tmp_path)(["三", "一", "二"]), vectors(["三", "一", "二"]))


def test_a_later_process_does_not_call_the_encoder(tmp_path: Path) -> None:
    CachedEncode(vectors, "f", tmp_path)(TEXTS)
    code = (
        "import sys; from pathlib import Path; from juyi.engines import CachedEncode\n"
        "encode = CachedEncode(lambda texts: sys.exit('asked'), 'f', Path(sys.argv[1]))\n"
        "print(encode(['三', '一']).tolist())"
    )
    command = [sys.executable, "-X", "utf8", "-c", code, str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(vectors(["三", "一"]).tolist())


def test_more_texts_than_one_query_or_one_block_takes(tmp_path: Path) -> None:
    texts = [f"句{i}" for i in range(1203)]  # three queries
    recording = Recording()
    np.testing.assert_array_equal(CachedEncode(recording, "f", tmp_path, save_every=500)(texts), vectors(texts))
    assert [len(asked) for asked in recording.asked] == [500, 500, 203]
    np.testing.assert_array_equal(CachedEncode(silent, "f", tmp_path)(texts[::-1]), vectors(texts[::-1]))


def test_what_was_encoded_before_an_interruption_is_kept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        CachedEncode(Recording(fails_at=2), "f", tmp_path, save_every=2)(TEXTS)
    recording = Recording()
    np.testing.assert_array_equal(CachedEncode(recording, "f", tmp_path, save_every=2)(TEXTS), vectors(TEXTS))
    assert recording.asked == [["三", "四"], ["五"]]


def test_another_identity_is_another_file(tmp_path: Path) -> None:
    one, other = (CachedEncode(encode, name, tmp_path) for encode, name in ((vectors, "f"), (lambda texts: -vectors(texts), "g")))
    assert one.path != other.path
    np.testing.assert_array_equal(one(TEXTS), vectors(TEXTS))
    np.testing.assert_array_equal(other(TEXTS), -vectors(TEXTS))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.sqlite", "g.sqlite"]


def test_two_instances_encode_the_same_text_at_the_same_time(tmp_path: Path) -> None:
    inner = CachedEncode(vectors, "f", tmp_path)

    def meanwhile(texts: Sequence[str]) -> Embeddings:
        inner(["二", "三"])
        return vectors(texts)

    np.testing.assert_array_equal(CachedEncode(meanwhile, "f", tmp_path)(["一", "二"]), vectors(["一", "二"]))
    np.testing.assert_array_equal(CachedEncode(silent, "f", tmp_path)(["一", "二", "三"]), vectors(["一", "二", "三"]))


def test_many_writers_at_once(tmp_path: Path) -> None:
    texts = [f"句{i}" for i in range(60)]

    def work(start: int) -> None:
        some = texts[start:] + texts[:start]
        np.testing.assert_array_equal(CachedEncode(vectors, "f", tmp_path, save_every=5)(some), vectors(some))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(0, 60, 10)))
    np.testing.assert_array_equal(CachedEncode(silent, "f", tmp_path)(texts), vectors(texts))


def test_texts_are_told_apart_by_every_character(tmp_path: Path) -> None:
    texts = ["a", "A", "a ", "ａ", "", "a\n"]
    np.testing.assert_array_equal(CachedEncode(vectors, "f", tmp_path)(texts), vectors(texts))
    np.testing.assert_array_equal(CachedEncode(silent, "f", tmp_path)(texts), vectors(texts))


def test_vectors_are_single_precision_and_belong_to_the_caller(tmp_path: Path) -> None:
    encode = CachedEncode(lambda texts: vectors(texts).astype(np.float64)[:, ::-1], "f", tmp_path)  # type: ignore[arg-type,return-value]
    for _ in range(2):
        got = encode(TEXTS)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, vectors(TEXTS)[:, ::-1])
        got[:] = 0


def test_no_texts_are_the_encoder_s_matter(tmp_path: Path) -> None:
    assert CachedEncode(vectors, "f", tmp_path)([]).shape == (0, 3)


@pytest.mark.parametrize("shape", [(5,), (4, 3), (5, 1, 3)])
def test_an_encoder_that_gives_other_than_a_row_a_text_leaves_nothing_behind(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="for 5 texts; one row a text is needed"):
        CachedEncode(lambda texts: np.ones(shape, dtype=np.float32), "f", tmp_path)(TEXTS)
    recording = Recording()
    CachedEncode(recording, "f", tmp_path)(TEXTS)
    assert recording.asked == [TEXTS]


def without_cache(encode: CachedEncode, said: list[str], path: Path, reason: str) -> None:
    """It was told once, with advice, and everything is encoded as if there were no cache."""
    for _ in range(2):
        np.testing.assert_array_equal(encode(TEXTS), vectors(TEXTS))
    assert len(said) == 1 and not encode.usable
    assert said[0].startswith(f"Note: the cache of embeddings {path} cannot be used (") and reason in said[0]
    assert "everything is encoded anew" in said[0] and "name another folder in JUYI_CACHE" in said[0]


def test_a_file_that_is_no_cache_is_told_and_left_alone(tmp_path: Path) -> None:
    path, said = tmp_path / "f.sqlite", list[str]()
    path.write_bytes(b"no database at all" * 100)
    without_cache(CachedEncode(vectors, "f", tmp_path, log=said.append), said, path, "not a database")
    assert path.read_bytes() == b"no database at all" * 100


def test_a_file_that_is_damaged_later_is_told(tmp_path: Path) -> None:
    texts, said = [f"句{i}" for i in range(2000)], list[str]()
    encode = CachedEncode(vectors, "f", tmp_path, log=said.append)
    encode(texts)
    path = tmp_path / "f.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    np.testing.assert_array_equal(encode(texts), vectors(texts))
    without_cache(encode, said, path, "")


@pytest.mark.parametrize("change", ["substr(vector, 1, 7)", "substr(vector, 1, 4)"])
def test_a_vector_that_was_cut_is_told(change: str, tmp_path: Path) -> None:
    said = list[str]()
    encode = CachedEncode(vectors, "f", tmp_path, log=said.append)
    encode(["一"])
    with closing(sqlite3.connect(tmp_path / "f.sqlite")) as file, file:
        file.execute(f"UPDATE embeddings SET vector = {change}")
    CachedEncode(vectors, "f", tmp_path)(["二"])
    without_cache(encode, said, tmp_path / "f.sqlite", "a vector in it was cut")


def test_a_vector_that_is_not_finite_is_encoded_again(tmp_path: Path) -> None:
    encode = CachedEncode(vectors, "f", tmp_path)
    encode(TEXTS)
    with closing(sqlite3.connect(tmp_path / "f.sqlite")) as file, file:
        file.execute("UPDATE embeddings SET vector = ?", [np.full(3, np.nan, dtype=np.float32).tobytes()])
    np.testing.assert_array_equal(encode(TEXTS), vectors(TEXTS))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    said = list[str]()
    encode = CachedEncode(vectors, "f", tmp_path / "file" / "below", log=said.append)
    without_cache(encode, said, tmp_path / "file" / "below" / "f.sqlite", "Not a directory")


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from juyi.engines import CachedEncode
def encode(texts):
    if "三" in texts:
        os.kill(os.getpid(), 9)
    return np.array([[len(text), 1, 2] for text in texts], dtype=np.float32)
CachedEncode(encode, "f", Path(sys.argv[1]), save_every=2)(["一", "二", "三", "四"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_what_was_encoded_before_a_process_was_killed_is_kept(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-X", "utf8", "-c", KILLED, str(tmp_path)], check=False).returncode == -9
    said = list[str]()
    recording = Recording()
    rows = CachedEncode(recording, "f", tmp_path, log=said.append)(["一", "二", "三"])
    assert recording.asked == [["三"]] and rows[:2].tolist() == [[1, 1, 2]] * 2 and not said


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from juyi.engines import CachedEncode
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # no file may grow beyond: the disk is full
said = []
encode = CachedEncode(lambda texts: np.ones((len(texts), 512), dtype=np.float32), "f", Path(sys.argv[1]), log=said.append)
print(encode([str(i) for i in range(500)]).shape, encode(["1"]).shape, len(said))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_full_disk_is_told_and_work_goes_on(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "(500, 512) (1, 512) 1\n", done.stderr


def test_where_caches_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JUYI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / "home" / ".cache" / "juyi" / "embeddings"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "juyi" / "embeddings"
    monkeypatch.setenv("JUYI_CACHE", "~/ours")
    assert cache_folder() == tmp_path / "home" / "ours" / "embeddings"
    CachedEncode(vectors, "f")(TEXTS)
    assert (tmp_path / "home" / "ours" / "embeddings" / "f.sqlite").is_file()
    np.testing.assert_array_equal(CachedEncode(silent, "f")(TEXTS), vectors(TEXTS))


@pytest.mark.parametrize(("texts", "words"), [("一", "one string"), (["一", None], "None at place 1"), ([float("nan")], "nan")])
def test_what_is_no_text_is_neither_encoded_nor_kept(tmp_path: Path, texts: Any, words: str) -> None:
    encode = CachedEncode(silent, "f", tmp_path)
    with pytest.raises(UsageError, match=words):
        encode(texts)
