"""What `juyi evaluate` and `juyi compare` measure: encoders and baselines, whitened or not, with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.baselines import LexicalOverlap
from juyi.engines import open_engine
from juyi.errors import DataError, ModelError, UsageError
from juyi.evaluation import candidates as candidates
from juyi.evaluation.candidates import How, open_candidate
from juyi.evaluation.options import Found, What, labelled, measure, open_what, overlap
from juyi.postprocessing import fit_whitening

VERBS = ["办理", "修改", "查询", "注销", "激活", "申请"]
NOUNS = ["信用卡", "密码", "账单", "手机号", "快递", "退款", "会员", "发票"]
DEV = [(f"怎么{VERBS[i % 6]}{NOUNS[i % 8]}", f"{NOUNS[i % 8]}在哪里{VERBS[i % 5]}", i % 6) for i in range(24)]
TEST = [(f"我想{VERBS[i % 6]}{NOUNS[i % 8]}", f"能不能{VERBS[i % 5]}{NOUNS[i % 7]}", i % 6) for i in range(24)]
TRAIN = [(f"谁{VERBS[i % 6]}过{NOUNS[i % 8]}", f"你{VERBS[i % 5]}{NOUNS[i % 7]}了吗", i % 6) for i in range(24)]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


def write(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """BQ with three splits, ATEC without training data."""
    (tmp_path / "zh").mkdir()
    for name, rows in {"bq.train": TRAIN, "bq.dev": DEV, "bq.test": TEST, "atec.test": TEST[::2]}.items():
        write(tmp_path / "zh" / f"{name}.tsv", rows)
    return tmp_path / "zh"


def found(data: Path, model: str = "", how: How | None = None, **what: Any) -> Found:
    asked = What("zh-sts", str(data), **({"splits": ("dev", "test"), "tasks": ("bq",)} | what))
    return measure(asked, labelled(asked, open_what(asked)), model, how or How())


def labels(measured: Found) -> dict[tuple[str, str], tuple[str, ...]]:
    scores = [each.score for each in measured.bootstrapped]
    return {(score.task, score.split): score.labels for score in scores if score.split in ("dev", "test")}


def values(measured: Found) -> list[float]:
    return [each.score.value for each in measured.bootstrapped]


def test_names_say_what_was_measured() -> None:
    assert open_candidate("", How(), []).name == "mini"
    assert open_candidate("mini-base", How(), []).name == "mini-base"
    assert isinstance(open_candidate("lexical", How(), []).encoder, LexicalOverlap)


@pytest.mark.parametrize(
    ("model", "how", "error", "words"),
    [
        ("nowhere", How(), ModelError, "nowhere"),
        ("vectors:", How(), UsageError, "vectors:FILE"),
        ("vectors:nowhere.txt", How(), DataError, "nowhere.txt"),
        ("random:mini@one", How(), UsageError, "'one'"),
        ("random:mini@-1", How(), UsageError, "'-1'"),
        ("random:nowhere@1", How(), ModelError, "nowhere"),
        ("random:mini@1", How(pooling="cls"), UsageError, "--pooling"),
        ("mini", How(pooling="mean"), UsageError, "last-avg"),
        ("mini", How(pooling="cls", engine="onnx"), UsageError, "--engine onnx"),
    ],
)
def test_what_cannot_be_opened_is_told(model: str, how: How, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_candidate(model, how, [])


def test_word_vectors_tell_what_they_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    opened = open_candidate(f"vectors:{tmp_path / 'words.txt'}", How(), [])
    assert opened.name == "vectors:words.txt"
    assert opened.remark() == ""  # nothing was encoded yet
    assert callable(opened.encoder)
    opened.encoder(["hello there world", "what is it"])
    assert opened.remark().startswith("66.7 % of the words have no vector in")
    assert "1 of the 2 texts" in opened.remark()


def test_random_weights_depend_on_the_seed_alone() -> None:
    first, same, other = (open_candidate(f"random:{seed}", How(), []) for seed in ("@1", "mini@1", "mini@2"))
    assert first.name == same.name
    assert [same.name, other.name] == ["random:mini@1", "random:mini@2"]
    one, two, three = (each.encoder(["怎么还信用卡"]) for each in (first, same, other))  # type: ignore[operator]
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - three).max() > 0.01


def test_another_pooling_is_in_the_name_and_has_a_cache_of_its_own(cache: Path) -> None:
    own, cls = (open_candidate("mini", how, []) for how in (How(), How(pooling="cls", precision="float32")))
    assert (own.name, cls.name) == ("mini", "mini (cls)")
    ours, theirs = (each.encoder(["怎么还信用卡"]) for each in (own, cls))  # type: ignore[operator]
    assert np.abs(ours - theirs).max() > 0.01
    assert len(list(cache.iterdir())) == 2


def test_the_second_time_nothing_is_encoded(data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = values(found(data))
    (file,) = cache.iterdir()
    assert file.suffix == ".sqlite"

    class Idle:
        def encode(self, texts: object) -> None:
            raise AssertionError(f"asked to encode {texts}")

    monkeypatch.setattr(candidates, "open_engine", lambda *arguments: Idle())
    assert values(found(data)) == first
    file.write_text("something else")
    with pytest.raises(DataError, match=f"{file.stem}.*--no-cache"):
        found(data)


def test_without_the_cache_nothing_is_written(data: Path, cache: Path) -> None:
    assert values(found(data, how=How(cache=False)))
    assert not cache.parent.exists()


def test_labels_are_given_or_found_in_the_training_sentences(data: Path, tmp_path: Path) -> None:
    trained = write(tmp_path / "trained.txt", [("一句话",), (TEST[3][0],)])
    assert labels(found(data, labels=("mine",), trained_on=(str(trained),))) == {
        ("BQ", "dev"): ("mine",),
        ("BQ", "test"): ("mine", "transductive"),
    }
    with pytest.raises(DataError, match="nowhere"):
        found(data, trained_on=("nowhere.txt",))


def test_training_sentences_are_read_in_the_encoding_that_is_given(data: Path, tmp_path: Path) -> None:
    (tmp_path / "trained.txt").write_bytes(f"{TEST[3][0]}\n".encode("gb18030"))
    asked: Any = {"trained_on": (str(tmp_path / "trained.txt"),)}
    with pytest.raises(DataError, match="gb18030"):
        found(data, **asked)
    for path in data.glob("*.tsv"):
        path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert labels(found(data, **asked, encoding="gb18030"))["BQ", "test"] == ("transductive",)


def test_whitening_is_that_of_the_sentences_of_all_measured_splits(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whitened = found(data, whiten="target", dimensions=8)
    assert whitened.name == "mini + whitening(target, 8)"
    assert set(labels(whitened).values()) == {("transductive",)}
    texts = {row[side] for rows in (DEV, TEST) for row in rows for side in (0, 1)}
    encode = open_engine("mini").encode
    fitted = fit_whitening(encode(sorted(texts)), 8)
    first, second = (fitted(encode([row[side] for row in TEST])) for side in (0, 1))
    expected = 100 * stats.spearmanr((first * second).sum(axis=1), [row[2] for row in TEST]).statistic
    (test,) = [each.score.value for each in whitened.bootstrapped if each.score.split == "test"]
    assert test == pytest.approx(expected, abs=0.5)
    assert values(whitened) != values(found(data))
    assert found(data, whiten="target").name == "mini + whitening(target)"
    assert "directions carry variance" in capsys.readouterr().err  # the guard speaks


def test_whitening_on_the_training_split_of_each_task(data: Path) -> None:
    whitened = found(data, whiten="train", splits=("test",), tasks=("bq", "atec"))
    assert labels(whitened) == {("BQ", "test"): ()}
    (problem,) = whitened.problems
    assert problem.startswith("mini + whitening(train): ATEC test")
    assert problem.count("is missing") == 1 and "ATEC train is missing" in problem
    write(data / "bq.train.tsv", [*TRAIN, TEST[0]])
    assert labels(found(data, whiten="train", splits=("test",))) == {("BQ", "test"): ("transductive",)}
    write(data / "bq.train.tsv", [("谁", "你")])
    problems = found(data, whiten="train", splits=("test",), tasks=("bq", "atec")).problems
    atec, bq = problems if "ATEC test" in problems[0] else problems[::-1]
    assert "2 columns" in bq and "is missing" not in bq  # each with its own reason
    assert "ATEC train is missing" in atec and "2 columns" not in atec


def test_whitening_on_a_file_is_transductive_where_it_shares_sentences(data: Path, tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus.txt", [(row[0],) for row in [*TRAIN, TEST[3]]])
    whitened = found(data, whiten=str(corpus))
    assert whitened.name == "mini + whitening(corpus.txt)"
    assert labels(whitened) == {("BQ", "dev"): (), ("BQ", "test"): ("transductive",)}
    with pytest.raises(UsageError, match=r"--whiten is 'nowhere\.txt'; target, train or a file"):
        found(data, whiten="nowhere.txt")


def test_flow_is_fitted_as_a_whitening_is(data: Path) -> None:
    flown = found(data, flow="target", splits=("test",))
    assert (flown.name, labels(flown)) == ("mini + flow(target)", {("BQ", "test"): ("transductive",)})
    assert values(flown) != values(found(data, splits=("test",)))
    with pytest.raises(UsageError, match=r"--flow is 'nowhere\.txt'"):
        found(data, flow="nowhere.txt")


@pytest.mark.parametrize("what", [{"whiten": "target", "flow": "target"}, {"dimensions": 3}])
def test_options_that_do_not_go_together(what: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--whiten"):
        What("zh-sts", **what)


@pytest.mark.parametrize("what", [{"whiten": "target"}, {"flow": "target"}])
def test_word_overlap_has_nothing_to_fit_on(data: Path, what: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no vectors"):
        found(data, "lexical", **what)


def test_word_overlap_beside_a_model_owes_nothing_to_its_training(data: Path, tmp_path: Path) -> None:
    suite = open_what(What("zh-sts", str(data), ("test",), ("bq",), labels=("mine",)))
    (score,) = [each.score for each in overlap(suite).values()]
    first, second, gold = zip(*TEST, strict=True)
    assert score.value == pytest.approx(100 * stats.spearmanr(LexicalOverlap().pairs(first, second), gold).statistic)
    assert score.labels == ()


def test_a_problem_of_the_model_bears_its_name_and_one_of_the_data_does_not(data: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    (data / "bq.dev.tsv").unlink()
    data_problem, own = found(data, f"vectors:{tmp_path / 'words.txt'}").problems
    assert "BQ dev is missing" in data_problem and "vectors" not in data_problem
    assert own.startswith("vectors:words.txt: BQ test could not be measured")


def test_a_precision_that_would_be_ignored_is_refused(data: Path) -> None:
    for model, words in (
        ("mini", "runs on the engine onnx"),
        ("lexical", "baseline lexical"),
        ("random:mini", "baseline random:mini"),
    ):
        with pytest.raises(UsageError, match=f"--precision bfloat16 is for the torch engine: .*{words}"):
            open_candidate(model, How(precision="bfloat16", cache=False), [])
