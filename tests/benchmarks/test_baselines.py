"""What encoders are compared with: the baselines against slow loops, and what the cost table is made of."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from juyi.baselines.word_average import WordAverage
from juyi.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import word_vectors
from baselines import cost
from baselines.tables import Cost
from word_vectors import learn_word_vectors, neighbour_counts, ppmi


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_ppmi_of_a_corpus_that_fits_on_paper() -> None:
    # Contexts: the two of a are b twice and c once; the sums are a 3, b 2, c 1.
    counts = np.array([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    smoothed = [3**0.75, 2**0.75, 1.0]
    total = sum(smoothed)
    expected = np.zeros((3, 3))
    expected[0, 1] = math.log(2 * total / (3 * smoothed[1]))
    expected[0, 2] = math.log(1 * total / (3 * smoothed[2]))
    expected[1, 0] = math.log(2 * total / (2 * smoothed[0]))
    expected[2, 0] = math.log(1 * total / (1 * smoothed[0]))
    assert expected[0, 2] > 0
    found = ppmi(word_vectors.csr_array(counts))
    np.testing.assert_allclose(found.toarray(), np.maximum(expected, 0), rtol=1e-12)


def test_ppmi_cuts_what_is_rarer_than_chance() -> None:
    counts = np.array([[0.0, 9.0, 1.0], [9.0, 0.0, 9.0], [1.0, 9.0, 0.0]])
    expected = np.zeros((3, 3))
    for w in range(3):
        for c in range(3):
            if counts[w, c]:
                share = counts[:, c].sum() / counts.sum()  # smoothing 1: the plain share
                expected[w, c] = max(0.0, math.log(counts[w, c] / counts.sum() / (counts[w].sum() / counts.sum() * share)))
    found = ppmi(word_vectors.csr_array(counts), smoothing=1.0).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[0, 2] == 0.0 < found[0, 1]


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_neighbours_are_those_of_a_slow_loop(rng: np.random.Generator, block: int) -> None:
    ids = rng.integers(-1, 4, 50).astype(np.int32)
    expected = np.zeros((4, 4))
    for i, word in enumerate(ids):
        for j, other in enumerate(ids):
            if 0 < abs(i - j) <= 3 and word >= 0 and other >= 0:
                expected[word, other] += 1
    np.testing.assert_array_equal(neighbour_counts(ids, 4, 3, block=block).toarray(), expected)


def test_neighbours_end_with_the_sentence_and_rare_words_keep_their_place(noted) -> None:
    # b and d are two places apart, with the rare x between them; a and e stand beside each other only across sentences.
    with noted(ppmi) as calls:
        learned = learn_word_vectors([["a", "b"], ["e", "d"], ["b", "x", "d"], ["a", "e"]], window=1, min_count=2)
    place, _ = learned
    assert sorted(place) == ["a", "b", "d", "e"]
    (counts,) = (call["counts"].toarray() for call in calls["ppmi"])
    assert counts[place["a"], place["b"]] == counts[place["e"], place["d"]] == counts[place["a"], place["e"]] == 1
    assert counts[place["b"], place["e"]] == counts[place["b"], place["d"]] == 0


def test_words_with_the_same_neighbours_get_like_vectors() -> None:
    sentences = [[drink, verb, kind] for drink in ("茶", "咖啡") for verb in ("喝", "泡") for kind in ("热", "浓")]
    sentences += [[train, verb, kind] for train in ("火车", "飞机") for verb in ("坐", "等") for kind in ("快", "慢")]
    sentences += [*sentences[:8], *[["火车", "等", "快"]] * 3]
    learned = learn_word_vectors(sentences, dimensions=4, min_count=1)
    again = learn_word_vectors(sentences, dimensions=4, min_count=1)
    places, vectors = learned
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors, again[1])
    tea, coffee, train = (vectors[places[word]] for word in ("茶", "咖啡", "火车"))
    assert tea @ coffee > 0.9
    assert abs(tea @ train) < 0.3


def test_what_is_written_is_read_as_word_vectors(tmp_path: Path) -> None:
    text, file = tmp_path / "text.txt", tmp_path / "words.vec"
    text.write_text("我 的 钱\n还 款 卡\n钱 还 款\n" * 6, encoding="utf-8")
    word_vectors.main(["--text", str(text), "--write", str(file)])
    places, vectors = learn_word_vectors([["我", "的", "钱"], ["还", "款", "卡"], ["钱", "还", "款"]] * 6)
    mean = vectors[[places["还"], places["款"]]].mean(axis=0)
    np.testing.assert_allclose(WordAverage(file).encode(["还 款！"]), [mean], atol=1e-5)
    with pytest.raises(SystemExit, match="word vectors need running text"):
        word_vectors.main(["--text", str(file), "--write", str(tmp_path / "other.vec")])


def test_too_little_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"Only 2 words occur 2 times or more"):
        learn_word_vectors([["a", "b"], ["b", "a", "c"]], min_count=2)
    with pytest.raises(DataError, match="No two words"):
        learn_word_vectors([["a"], ["b"], ["c"]], min_count=1)


def test_times_are_compared_run_by_run(capsys: pytest.CaptureFixture[str]) -> None:
    warm_up = [100.0, 100.0]
    runs = [(1.0, 2.0), (2.0, 8.0), (4.0, 4.0), (5.0, 50.0), (3.0, 9.0)]
    seconds = [*warm_up, *(each for run in runs for each in run)]
    clock = iter([time for each in seconds for time in (0.0, each)])
    found = cost.timed("ours", "onnx", len, ["x"] * 12, ("ref", len), clock=lambda: next(clock))
    assert found == Cost("ours", "onnx", None, None, 4.0, 3.0)  # medians: 3 s for 12 sentences; of the ratios 2, 4, 1, 10, 3
    record = json.loads(capsys.readouterr().out)
    assert (record["ours"], record["theirs"], record["ratio"], record["runs"]) == (4.0, 1.5, 3.0, 5)
    assert {"benchmark", "case", "unit"} < set(record)


def test_a_row_without_a_reference_has_no_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.timed("ours", "–", len, ["x"], ("ref", None)).ratio is None
    assert json.loads(capsys.readouterr().out)["theirs"] is None


def test_size_and_parameters_are_those_of_the_files(tmp_path: Path) -> None:
    assert cost.parameters_of(tmp_path) is None
    (tmp_path / "1_Dense").mkdir()
    (tmp_path / "notes.txt").write_bytes(b"12345")
    before = cost.size_of(tmp_path)
    save_file(
        {"a": np.zeros((3, 4), np.float16), "b": np.zeros(5, np.float32), "positions": np.arange(9)},
        tmp_path / "model.safetensors",
    )
    save_file({"c": np.zeros((2, 2), np.float32)}, tmp_path / "1_Dense" / "model.safetensors")
    assert cost.parameters_of(tmp_path) == 12 + 5 + 4
    assert before == 5
    assert cost.size_of(tmp_path) == 5 + sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to cores")
def test_a_process_can_be_kept_to_one_core() -> None:
    code = "from baselines.cost import keep_to; import os; keep_to(1); print(len(os.sched_getaffinity(0)))"
    folder = Path(cost.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout == "1\n"
