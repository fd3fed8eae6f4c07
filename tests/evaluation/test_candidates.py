"""What `juyi evaluate` and `juyi compare` measure: encoders and baselines, whitened or not, with their labels."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.assets import EMBEDDED
from juyi.baselines import LexicalOverlap
from juyi.encoder import load_encoder
from juyi.engines import agreed_precision, open_engine
from juyi.errors import DataError, ModelError, UsageError
from juyi.evaluation import (
    EncodeOptions,
    Evaluation,
    EvaluationOptions,
    evaluate_model,
    evaluate_overlap,
    one_precision,
    open_candidate,
    open_suite_of,
)
from juyi.postprocessing import fit_whitening
from juyi.types import Log

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


def found(data: Path, model: str = "", how: EncodeOptions | None = None, log: Log = lambda _: None, **given: Any) -> Evaluation:
    options = EvaluationOptions("zh-sts", str(data), **({"splits": ("dev", "test"), "tasks": ("bq",)} | given))
    return evaluate_model(model, open_suite_of(options), options, how or EncodeOptions(), log=log)


def labels(measured: Evaluation) -> dict[tuple[str, str], tuple[str, ...]]:
    scores = [each.score for each in measured.bootstrapped]
    return {(score.task, score.split): score.labels for score in scores if score.split in ("dev", "test")}


def values(measured: Evaluation) -> list[float]:
    return [each.score.value for each in measured.bootstrapped]


def test_names_say_what_was_measured() -> None:
    assert open_candidate("", EncodeOptions(), []).name == "mini"
    assert open_candidate("mini-base", EncodeOptions(), []).name == "mini-base"
    assert isinstance(open_candidate("lexical", EncodeOptions(), []).encoder, LexicalOverlap)


@pytest.mark.parametrize(
    ("model", "how", "error", "words"),
    [
        ("nowhere", EncodeOptions(), ModelError, "nowhere"),
        ("vectors:", EncodeOptions(), UsageError, "vectors:FILE"),
        ("vectors:nowhere.txt", EncodeOptions(), DataError, "nowhere.txt"),
        ("random:mini@one", EncodeOptions(), UsageError, "'one'"),
        ("random:mini@-1", EncodeOptions(), UsageError, "'-1'"),
        ("random:nowhere@1", EncodeOptions(), ModelError, "nowhere"),
        ("random:mini@1", EncodeOptions(pooling="cls"), UsageError, "--pooling"),
        ("mini", EncodeOptions(pooling="mean"), UsageError, "last-avg"),
        ("mini", EncodeOptions(pooling="cls", engine="onnx"), UsageError, "--engine onnx"),
    ],
)
def test_what_cannot_be_opened_is_told(model: str, how: EncodeOptions, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        open_candidate(model, how, [])


def test_word_vectors_tell_what_they_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    opened = open_candidate(f"vectors:{tmp_path / 'words.txt'}", EncodeOptions(), [])
    assert opened.name == "vectors:words.txt"
    assert opened.remark() == ""  # nothing was encoded yet
    assert callable(opened.encoder)
    opened.encoder(["hello there world", "what is it"])
    assert opened.remark().startswith("66.7 % of the words have no vector in")
    assert "1 of the 2 texts" in opened.remark()


def test_random_weights_depend_on_the_seed_alone() -> None:
    first, same, other = (open_candidate(f"random:{seed}", EncodeOptions(), []) for seed in ("@1", "mini@1", "mini@2"))
    assert first.name == same.name
    assert [same.name, other.name] == ["random:mini@1", "random:mini@2"]
    one, two, three = (each.encoder(["怎么还信用卡"]) for each in (first, same, other))  # type: ignore[operator]
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - three).max() > 0.01


def test_another_pooling_is_in_the_name_and_has_a_cache_of_its_own(cache: Path) -> None:
    own, cls = (open_candidate("mini", how, []) for how in (EncodeOptions(), EncodeOptions(pooling="cls", precision="float32")))
    assert (own.name, cls.name) == ("mini", "mini (cls)")
    ours, theirs = (each.encoder(["怎么还信用卡"]) for each in (own, cls))  # type: ignore[operator]
    assert np.abs(ours - theirs).max() > 0.01
    assert len(list(cache.iterdir())) == 2


def test_the_second_time_what_is_kept_is_taken(data: Path, cache: Path) -> None:
    in_float32 = EncodeOptions(precision="float32")
    first = values(found(data, how=in_float32))
    (file,) = cache.iterdir()
    assert file.name == f"{open_engine('mini').identity}.sqlite"
    with closing(sqlite3.connect(file)) as kept, kept:  # other vectors: were the texts encoded again, it would not be seen
        rows = kept.execute("SELECT text, vector FROM embeddings").fetchall()
        turned = [(rows[place - 1][1], rows[place][0]) for place in range(len(rows))]
        kept.executemany("UPDATE embeddings SET vector = ? WHERE text = ?", turned)
    assert values(found(data, how=in_float32)) != first
    assert values(found(data, how=EncodeOptions(precision="float32", cache=False))) == first
    file.write_text("something else")
    said: list[str] = []
    assert values(found(data, how=in_float32, log=said.append)) == first
    assert len([line for line in said if file.stem in line and "cannot be used" in line]) == 1


def test_a_model_whose_pooling_was_changed_never_gives_the_old_figures(data: Path, tmp_path: Path) -> None:
    model = shutil.copytree(EMBEDDED["mini"], tmp_path / "model")
    first = values(found(data, str(model)))
    config = model / "1_Pooling" / "config.json"
    content = json.loads(config.read_text())
    cls, mean = "pooling_mode_cls_token", "pooling_mode_mean_tokens"
    config.write_text(json.dumps(content | {cls: content[mean], mean: content[cls]}))
    other = load_encoder(model).pooling
    assert other != load_encoder("mini").pooling
    wanted = values(found(data, "mini", EncodeOptions(pooling=other, precision="float32", cache=False)))
    assert values(found(data, str(model), EncodeOptions(precision="float32"))) == wanted != first


def test_without_the_cache_nothing_is_written(data: Path, cache: Path) -> None:
    assert values(found(data, how=EncodeOptions(cache=False)))
    assert not cache.parent.exists()


def test_labels_are_given_or_found_in_the_training_sentences(data: Path, tmp_path: Path) -> None:
    trained = write(tmp_path / "trained.txt", [("一句话",), (TEST[3][0],)])
    assert labels(found(data, labels=("mine",), trained_on=(str(trained),))) == {
        ("BQ", "dev"): ("mine",),
        ("BQ", "test"): ("mine", "transductive"),
    }
    with pytest.raises(DataError, match="nowhere"):
        found(data, trained_on=("nowhere.txt",))


def test_each_file_is_read_in_an_encoding_of_its_own(data: Path, tmp_path: Path) -> None:
    (tmp_path / "trained.txt").write_bytes(f"{TEST[3][0]}\n".encode("gb18030"))
    asked: Any = {"trained_on": (str(tmp_path / "trained.txt"),)}
    assert labels(found(data, **asked))["BQ", "test"] == ("transductive",)
    for path in data.glob("*.tsv"):
        path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    for encoding in ("", "utf-16"):
        assert labels(found(data, **asked, encoding=encoding))["BQ", "test"] == ("transductive",)


def test_whitening_is_that_of_the_sentences_of_the_split_itself(data: Path) -> None:
    said: list[str] = []
    whitened = found(data, whiten="target", dimensions=8, log=said.append)
    assert whitened.name == "mini + whitening(target, 8)"
    assert set(labels(whitened).values()) == {("transductive",)}
    texts = {row[side] for row in TEST for side in (0, 1)}
    encode = open_engine("mini").encode
    fitted = fit_whitening(encode(sorted(texts)), 8)
    first, second = (fitted(encode([row[side] for row in TEST])) for side in (0, 1))
    expected = 100 * stats.spearmanr((first * second).sum(axis=1), [row[2] for row in TEST]).statistic
    (test,) = [each.score.value for each in whitened.bootstrapped if each.score.split == "test"]
    assert test == pytest.approx(expected, abs=0.5)
    assert values(whitened) != values(found(data))
    assert found(data, whiten="target", log=said.append).name == "mini + whitening(target)"
    assert any("directions carry variance" in line for line in said)  # the guard speaks


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
        EvaluationOptions("zh-sts", **what)


@pytest.mark.parametrize("what", [{"whiten": "target"}, {"flow": "target"}])
def test_word_overlap_has_nothing_to_fit_on(data: Path, what: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no vectors"):
        found(data, "lexical", **what)


def test_word_overlap_beside_a_model_owes_nothing_to_its_training(data: Path, tmp_path: Path) -> None:
    suite = open_suite_of(EvaluationOptions("zh-sts", str(data), ("test",), ("bq",), labels=("mine",)))
    (score,) = [each.score for each in evaluate_overlap(suite).bootstrapped]
    first, second, gold = zip(*TEST, strict=True)
    assert score.value == pytest.approx(100 * stats.spearmanr(LexicalOverlap().pairs(first, second), gold).statistic)
    assert score.labels == ()


def test_a_problem_of_the_model_bears_its_name_and_one_of_the_data_does_not(data: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    (data / "bq.dev.tsv").unlink()
    data_problem, own = found(data, f"vectors:{tmp_path / 'words.txt'}").problems
    assert "BQ dev is missing" in data_problem and "vectors" not in data_problem
    assert own.startswith("vectors:words.txt: BQ test could not be measured")


def test_a_precision_that_would_be_ignored_is_refused(data: Path, on_onnx: str) -> None:
    options = EncodeOptions(precision="bfloat16", cache=False)
    suite = open_suite_of(EvaluationOptions("zh-sts", str(data), ("test",), ("bq",)))
    for model, words in (
        (on_onnx, "runs on the engine onnx"),
        ("lexical", "baseline lexical"),
        ("random:mini", "baseline random:mini"),
    ):
        if model != "lexical":
            with pytest.raises(UsageError, match=words):
                open_candidate(model, options, [])
        with pytest.raises(UsageError, match=f"--precision bfloat16 is for the engines torch and openvino: .*{words}"):
            one_precision([f"{model}+whitening" if model == on_onnx else model], suite, options)


@pytest.fixture
def on_torch(tmp_path: Path) -> str:
    """A model without a graph."""
    shutil.copytree(EMBEDDED["mini-base"], tmp_path / "torch", ignore=shutil.ignore_patterns("*.onnx", "*.xml"))
    return str(tmp_path / "torch")


@pytest.fixture
def on_onnx(tmp_path: Path) -> str:
    """A model with the graph for ONNX Runtime alone."""
    shutil.copytree(EMBEDDED["mini"], tmp_path / "onnx", ignore=shutil.ignore_patterns("*.xml"))
    return str(tmp_path / "onnx")


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (["{onnx}"], "onnx is computed in it (onnx)"),
        (["{onnx}+whitening"], "onnx is computed in it (onnx)"),
        (["lexical", "random:mini"], "because random:mini is computed in it (a baseline)"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_all_that_is_compared_is_computed_in_one_precision(
    data: Path, on_torch: str, on_onnx: str, beside: list[str], words: str, first: bool
) -> None:
    beside = [model.format(onnx=on_onnx) for model in beside]
    suite = open_suite_of(EvaluationOptions("zh-sts", str(data), ("test",), ("bq",)))
    said: list[str] = []
    models = [on_torch, *beside] if first else [*beside, on_torch]
    assert one_precision(models, suite, EncodeOptions(), log=said.append).precision == "float32"
    assert len(said) == 1 and "Encoding in float32" in said[0] and words in said[0]
    # What is said holds: the figures are those of float32, whatever this machine is fast in.
    options = EvaluationOptions("zh-sts", str(data), ("test",), ("bq",))
    agreed = one_precision(models, suite, EncodeOptions(cache=False))
    found = evaluate_model(on_torch, suite, options, agreed)
    exact = evaluate_model(on_torch, suite, options, EncodeOptions(precision="float32", cache=False))
    assert values(found) == values(exact)


def test_where_all_run_on_torch_the_precision_is_that_on_which_they_agree(data: Path, on_torch: str) -> None:
    suite = open_suite_of(EvaluationOptions("zh-sts", str(data), ("test",), ("bq",)))
    said: list[str] = []
    models = [on_torch, f"{on_torch}+whitening", "lexical"]
    agreed = one_precision(models, suite, EncodeOptions(pooling="last-avg"), log=said.append)
    texts = [text for task in suite.tasks for text in task.texts()]
    engine = open_engine(on_torch, "torch")
    assert agreed.precision == agreed_precision([("it", engine)], texts).precision
    assert (agreed.pooling, len(said)) == ("last-avg", 1)
    assert one_precision(models, suite, agreed, log=said.append) == agreed
    for model in (on_torch, "lexical"):  # what was agreed on is decided no second time, and refused by none
        given = EvaluationOptions("zh-sts", str(data), ("test",), ("bq",))
        assert values(evaluate_model(model, suite, given, agreed, log=said.append))
    assert sum("Encoding in" in line for line in said) == 1
    both = one_precision(models, suite, EncodeOptions(precision="bfloat16", engine="torch"))
    assert both.precision == "bfloat16"  # word overlap has nothing to round


def test_without_a_choice_nothing_is_said(data: Path, on_onnx: str) -> None:
    suite = open_suite_of(EvaluationOptions("zh-sts", str(data), ("test",), ("bq",)))
    said: list[str] = []
    assert one_precision([on_onnx, "lexical"], suite, EncodeOptions(), log=said.append).precision == "float32"
    assert one_precision(["lexical"], suite, EncodeOptions(precision="float32"), log=said.append).precision == "float32"
    assert said == []
