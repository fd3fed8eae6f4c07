from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.declarations import build
from juyi.encoder import Encoder, load_encoder
from juyi.errors import DataError, UsageError
from juyi.experiments.examples import example_rows, read_examples, select_examples
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import DataSettings, MaskedLMTerm, TrainRecipe, trained_objective
from juyi.experiments.runner import run
from juyi.objectives import (
    SBERT,
    ContrastiveTension,
    CoSENT,
    Distillation,
    ESimCSE,
    MaskedLM,
    Objective,
    SimCSESupervised,
    SimCSEUnsupervised,
    Triplet,
    WithMaskedLM,
)
from juyi.training import TrainingSettings

TRIPLETS = "怎么还信用卡\t信用卡如何还款\t怎么办信用卡\n明天会下雨吗\t明天有雨吗\t今天下雨了\n"
SCORED = "怎么还信用卡\t信用卡如何还款\t4.5\n明天会下雨吗\t今天下雨了\t1\n"
LABELLED = "怎么还信用卡\t信用卡如何还款\tentailment\n明天会下雨吗\t今天下雨了\tcontradiction\n"
SHAPES = [
    (SimCSEUnsupervised(), "texts", "一句话\n又一句话\n", {"text": ["一句话", "又一句话"]}),
    (
        SimCSESupervised(),
        "pairs",
        TRIPLETS,
        {
            "anchor": ["怎么还信用卡", "明天会下雨吗"],
            "positive": ["信用卡如何还款", "明天有雨吗"],
            "negative": ["怎么办信用卡", "今天下雨了"],
        },
    ),
    (SimCSESupervised(hard_negatives=False), "pairs", "甲\t乙\n丙\t丁\n", {"anchor": ["甲", "丙"], "positive": ["乙", "丁"]}),
    (CoSENT(), "pairs", SCORED, {"second": ["信用卡如何还款", "今天下雨了"], "score": [4.5, 1.0]}),
    (SBERT(classes=2), "pairs", LABELLED, {"first": ["怎么还信用卡", "明天会下雨吗"], "label": ["entailment", "contradiction"]}),
]


@pytest.fixture(scope="module")
def mini() -> Encoder:
    return load_encoder("mini")


def write(folder: Path, text: str, name: str = "rows.tsv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("objective", "option", "text", "wanted"), SHAPES, ids=lambda value: getattr(value, "kind", None))
def test_the_objective_says_what_a_file_holds(
    tmp_path: Path, objective: Objective, option: str, text: str, wanted: dict[str, Any]
) -> None:
    file = write(tmp_path, text, "rows.txt" if option == "texts" else "rows.tsv")
    found = read_examples(objective, DataSettings(**{option: (file, file)}))
    for name, column in wanted.items():
        assert found[name] == column * 2
    assert found["source"] == [0, 0, 1, 1]


@pytest.mark.parametrize("objective", [SimCSEUnsupervised(), ESimCSE(), ContrastiveTension(), MaskedLM()])
def test_sentences_are_asked_for_by_their_option(tmp_path: Path, objective: Objective) -> None:
    with pytest.raises(DataError, match=r"unlabelled sentences; name a file of them with --texts\. What was given are pairs"):
        read_examples(objective, DataSettings(pairs=(write(tmp_path, TRIPLETS),)))


@pytest.mark.parametrize(
    ("objective", "shape"),
    [(SimCSESupervised(), "triplets"), (Triplet(), "triplets"), (CoSENT(), "scored pairs"), (SBERT(), "labelled pairs")],
)
def test_pairs_are_asked_for_by_their_option(tmp_path: Path, objective: Objective, shape: str) -> None:
    with pytest.raises(DataError, match=rf"learns from {shape} .* --pairs\. What was given are unlabelled sentences"):
        read_examples(objective, DataSettings(texts=(write(tmp_path, "一句话\n", "a.txt"),)))
    with pytest.raises(DataError, match="--pairs"):
        read_examples(objective, DataSettings())


def test_one_column_too_few_is_said_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.tsv.*triplets: anchor, positive, negative.*2 columns"):
        read_examples(SimCSESupervised(), DataSettings(pairs=(write(tmp_path, "甲\t乙\n丙\t丁\n"),)))


def test_pairs_for_triplets_are_told_the_way_out(tmp_path: Path) -> None:
    file = write(tmp_path, "甲\t乙\n")
    with pytest.raises(DataError, match=r"objective\.hard_negatives=false"):
        read_examples(SimCSESupervised(), DataSettings(pairs=(file,)))
    with pytest.raises(DataError) as caught:
        read_examples(Triplet(), DataSettings(pairs=(file,)))
    assert "hard_negatives" not in str(caught.value)


def test_the_encoding_is_heeded(tmp_path: Path) -> None:
    for objective, option in ((SimCSEUnsupervised(), "texts"), (SimCSESupervised(), "pairs"), (CoSENT(), "pairs")):
        path = tmp_path / ("a.txt" if option == "texts" else "a.tsv")
        path.write_bytes((SCORED if isinstance(objective, CoSENT) else TRIPLETS).encode("gb18030"))
        with pytest.raises(DataError, match="is not utf-8"):
            read_examples(objective, DataSettings(**{option: (str(path),)}, encoding="utf-8"))
        for encoding in ("", "gb18030"):
            found = read_examples(objective, DataSettings(**{option: (str(path),)}, encoding=encoding))
            assert "怎么还信用卡" in str(found)


def test_an_objective_that_no_file_feeds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"needs the columns text, target.*train-on-sources"):
        read_examples(Distillation(), DataSettings(texts=("a.txt",)))


def test_columns_are_taken_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b,c\n甲,乙,丙\n丁,戊,己\n", "rows.csv")
    found = read_examples(SimCSESupervised(hard_negatives=False), DataSettings(pairs=(file,), columns=("c", "a")))
    assert found["anchor"] == ["丙", "己"] and found["positive"] == ["甲", "丁"]


def test_repeated_rows_are_dropped_and_a_sample_is_drawn_by_its_seed() -> None:
    examples = {
        "anchor": ["甲乙", "丙", "甲 乙。", "丁", "戊"],
        "positive": ["一", "二", "一", "三", "二"],
        "source": [0, 0, 1, 1, 1],
    }
    distinct = select_examples(examples, DataSettings(distinct=True))
    assert distinct["anchor"] == ["甲乙", "丙", "丁", "戊"] and distinct["source"] == [0, 0, 1, 1]
    assert select_examples(examples, DataSettings(distinct=False)) == examples
    samples = [select_examples(examples, DataSettings(sample=2, seed=seed))["anchor"] for seed in (1, 1, 2, 3, 4)]
    assert samples[0] == samples[1] and all(len(sample) == 2 for sample in samples)
    assert len({tuple(sample) for sample in samples}) > 1


def test_pairs_of_one_group_of_paraphrases_share_a_key(mini: Encoder) -> None:
    examples = {"anchor": ["甲乙", "丙丁", "ABC", "己"], "positive": ["丙丁。", "戊", "abc", "庚"], "source": [0, 1, 1, 1]}
    rows = example_rows(examples, SimCSESupervised(hard_negatives=False), mini)
    first, second, third, fourth = np.asarray(rows["keys"]).tolist()
    assert first == second
    assert len({tuple(key) for key in (first, third, fourth)}) == 3
    assert list(rows["source"]) == [0, 1, 1, 1]
    assert rows["anchor"] == mini.tokenizer.tokenize(examples["anchor"], mini.max_length)


def test_triplets_share_a_key_where_they_share_a_sentence(mini: Encoder) -> None:
    examples = {"anchor": ["甲", "乙", "丙"], "positive": ["丁", "丁。", "戊"], "negative": ["己", "庚", "甲 "]}
    keys = np.asarray(example_rows(examples, SimCSESupervised(), mini)["keys"])
    assert keys.shape == (3, 3)
    assert keys[0, 1] == keys[1, 1] and keys[0, 0] == keys[2, 2]
    assert len(np.unique(keys)) == 7


def test_rows_that_share_a_key_never_meet_in_a_run(tmp_path: Path, mini: Encoder) -> None:
    anchors = [f"第{i}个问题怎么办" for i in range(12)]
    examples = {"anchor": anchors * 2, "positive": [f"{text}呢" for text in anchors] + [f"请问{text}" for text in anchors]}
    training = TrainingSettings(batch_size=6, epochs=2, distinct_batches=True, log_every=1)
    recipe = TrainRecipe("test", "", SimCSESupervised(hard_negatives=False), training=training)
    finished = run(recipe, tmp_path, examples=examples)
    log = (finished.folder / "log.jsonl").read_text(encoding="utf-8")
    assert "no two rows of a batch with the same text or group" in log
    assert finished.train_result.steps == 6  # a dozen groups of two: the last six rows find no batch without their group


def test_the_written_sentences_come_where_they_are_augmented(mini: Encoder) -> None:
    rows = example_rows({"text": ["一句话"]}, ESimCSE(unit="words"), mini)
    assert list(rows["raw"]) == ["一句话"]
    assert "raw" not in example_rows({"text": ["一句话"]}, ESimCSE(), mini)


def test_labels_become_numbers_in_the_order_of_the_alphabet(mini: Encoder) -> None:
    examples = {"first": ["甲"] * 3, "second": ["乙"] * 3, "label": ["neutral", "contradiction", "neutral"]}
    assert example_rows(examples, SBERT(classes=2), mini)["label"] == [1, 0, 1]
    with pytest.raises(DataError, match=r"2 labels \(contradiction, neutral\) and objective\.classes is 3.*classes=2"):
        example_rows(examples, SBERT(), mini)


def test_masked_lm_stands_beside_any_objective() -> None:
    tables = {"name": "x", "source": "y", "objective": {"kind": "cosent"}, "masked_lm": {"weight": 0.2, "rate": 0.3}}
    recipe = build(tables, TrainRecipe, origin="test")
    assert trained_objective(recipe) == WithMaskedLM(CoSENT(), MaskedLM(rate=0.3), 0.2)
    assert trained_objective(build({**tables, "masked_lm": None}, TrainRecipe, origin="test")) == CoSENT()
    with pytest.raises(UsageError, match=r"masked_lm\.weight is 0"):
        MaskedLMTerm(weight=0)


def test_a_recipe_asks_for_the_columns_of_its_objective(tmp_path: Path) -> None:
    recipe = TrainRecipe("test", "", Triplet(), training=TrainingSettings(batch_size=2, steps=1))
    with pytest.raises(UsageError, match=r"needs the columns anchor, positive, negative; negative is missing"):
        run(recipe, tmp_path, examples={"anchor": ["甲"], "positive": ["乙"]})


@pytest.mark.parametrize(
    "name", ["zh/simcse", "zh/esimcse", "zh/contrastive-tension", "zh/supervised", "zh/triplet", "zh/cosent", "zh/sbert"]
)
def test_the_chinese_recipes_train(tmp_path: Path, name: str) -> None:
    small = ["training.steps=2", "training.batch_size=4", "training.distinct_batches=false", "data.distinct=false"]
    recipe = load_recipe(name, small)
    assert isinstance(recipe, TrainRecipe)
    text = {"zh/cosent": SCORED, "zh/sbert": LABELLED + "甲\t乙\tneutral\n"}.get(name, TRIPLETS) * 3
    unlabelled = recipe.objective.columns == ("text",)
    file = write(tmp_path, text.replace("\t", "\n") if unlabelled else text, "rows.txt" if unlabelled else "rows.tsv")
    examples = read_examples(recipe.objective, DataSettings(**{"texts" if unlabelled else "pairs": (file,)}))
    finished = run(recipe, tmp_path / "runs", examples=examples)
    assert finished.train_result.steps == 2
    assert finished.encoder.encode(["一句话"]).shape == (1, 384)
