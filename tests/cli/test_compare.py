"""`juyi compare`: by how much one is better than another, on the same pairs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.data import ScoredPairs
from juyi.embeddings import cosine_rows
from juyi.engines import open_engine
from juyi.evaluation import compare_scores, comparison_rows, comparison_verdict, main_figures
from juyi.metrics import Bootstrap
from juyi.tasks import STS, BootstrappedScore
from juyi.types import Interval, Score

VERBS = ["办理", "修改", "查询", "注销", "激活", "申请"]
NOUNS = ["信用卡", "密码", "账单", "手机号", "快递", "退款", "会员", "发票"]
PAIRS = [(f"怎么{VERBS[i % 6]}{NOUNS[i % 8]}", f"{NOUNS[i % 8]}在哪里{VERBS[i % 5]}？", i % 6) for i in range(24)]


Run = Callable[..., Any]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in PAIRS), encoding="utf-8")
    return path


def made(value: float, task: str = "T", half: float | None = 1.0, **more: Any) -> BootstrappedScore:
    """A figure whose resamples lie evenly around it."""
    given = {"split": "test", "metric": "spearman", "count": 10} | more
    span = None if half is None else Interval(value - half, value + half)
    figures = None if half is None else np.linspace(value - half, value + half, 1000)
    return BootstrappedScore(Score(task=task, value=value, interval=span, **given), figures, Bootstrap())


def test_the_interval_is_the_paired_bootstrap(run: Run, pairs: Path) -> None:
    done = run("compare", "mini", "mini-base", "--suite", pairs, "--json")
    assert done.returncode == 0, done.stderr
    (record,) = done.records
    first, second, gold = zip(*PAIRS, strict=True)
    cosines = []
    for name in ("mini", "mini-base"):
        encode = open_engine(name).encode
        cosines.append(cosine_rows(encode(first), encode(second)))
    rng = np.random.default_rng([0, *b"pairs all"])
    differences = []
    for _ in range(1000):
        drawn = rng.integers(0, 24, 24)
        one, two = (stats.spearmanr(side[drawn], np.array(gold)[drawn]).statistic for side in cosines)
        differences.append(100 * (two - one))
    # All pairs are independent; 24 are few, and Student's t and the variance of a sample say so.
    error = np.std(differences) * np.sqrt(24 / 23)
    half = stats.t.ppf(0.975, 23) * error
    assert record["interval"] == pytest.approx([record["difference"] - half, record["difference"] + half], abs=0.2)
    assert record["p_value"] == pytest.approx(2 * stats.t.sf(abs(record["difference"]) / error, 23), abs=1e-3)
    assert record["units"] == record["count"] == 24


def test_a_record_has_a_stable_form_and_holds_the_figures_of_evaluate(run: Run, pairs: Path) -> None:
    models = ("lexical", "mini", "mini-base")
    done = run("compare", *models, "--suite", pairs, "--json", "--label", "mine")
    values = {}
    for model in models:
        (record,) = run("evaluate", model, "--suite", pairs, "--json", "--no-overlap").records
        values[record["model"]] = record["value"]
    assert [(record["first"], record["second"]) for record in done.records] == [
        ("lexical-overlap", "mini"),
        ("lexical-overlap", "mini-base"),
    ]
    for record in done.records:
        assert [*record] == [
            *("first", "second", "task", "split", "subset", "metric"),
            *("first_value", "second_value", "difference", "count", "units", "interval", "p_value", "standing", "labels"),
        ]
        assert record["first_value"] == values[record["first"]]
        assert record["second_value"] == values[record["second"]]
        assert record["difference"] == pytest.approx(record["second_value"] - record["first_value"])
        assert record["interval"][0] <= record["difference"] <= record["interval"][1]
        assert (record["task"], record["split"], record["count"], record["labels"]) == ("pairs", "all", 24, ["mine"])
    rows = list(csv.DictReader(io.StringIO(run("compare", *models, "--suite", pairs, "--format", "csv").stdout)))
    assert [float(row["difference"]) for row in rows] == [record["difference"] for record in done.records]
    assert [float(row["low"]) for row in rows] == [record["interval"][0] for record in done.records]


def test_a_table_and_a_sentence_for_each_of_the_others(run: Run, pairs: Path) -> None:
    done = run("compare", "lexical", "mini", "mini-base", "--suite", pairs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("first: lexical-overlap") == 2
    assert "second: mini-base" in done.stdout and "second is" in done.stdout
    understood, precision, first, second, note = done.stderr.splitlines()
    assert understood == f"{pairs}: tsv, cells parted by tabs, utf-8, no header; reading columns 1, 2, 3; 24 rows."
    assert precision.startswith("Encoding in ")
    assert first.startswith("mini against lexical-overlap: ahead on ")
    assert second.startswith("mini-base against lexical-overlap: ahead on ")
    assert first.endswith(" Corrected for 2 comparisons (Holm 1979).") and second.endswith(" (Holm 1979).")
    assert note == "Few independent groups or items, so that intervals are a rough guide: pairs all (24)."


def test_an_encoder_is_not_told_apart_from_itself(run: Run, pairs: Path) -> None:
    done = run("compare", "mini", "mini", "--suite", pairs)
    assert "not told apart" in done.stdout
    assert done.stderr.splitlines()[2] == "mini against mini: ahead on 0 of 1; not told apart on pairs all."


def test_what_one_of_them_cannot_do_is_a_problem_and_the_others_are_compared(run: Run, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    done = run("compare", "lexical", f"vectors:{tmp_path / 'words.txt'}", "mini", "--suite", pairs)
    assert done.returncode == 1
    assert "second: mini" in done.stdout and "second: vectors" not in done.stdout
    assert "Problem: vectors:words.txt: pairs all could not be measured" in done.stderr
    assert "Note: 100.0 % of the words" in done.stderr
    assert "" not in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mini"], "SECOND"),
        (["mini", "lexical", "--suite", "PAIRS", "--whiten"], "no vectors"),
        (["mini", "lexical", "--suite", "nowhere.tsv"], "nowhere.tsv"),
        (["mini", "lexical", "--suite", "PAIRS", "--seeds"], "--seeds"),
    ],
)
def test_wrong_use_is_exit_code_2(run: Run, pairs: Path, arguments: list[str], words: str) -> None:
    done = run("compare", *(pairs if argument == "PAIRS" else argument for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_the_difference_of_correlated_models_is_surer_than_their_figures() -> None:
    rng = np.random.default_rng(0)
    gold = rng.normal(size=300)
    task = STS("T", "test", ScoredPairs([f"a{i}" for i in range(300)], [f"b{i}" for i in range(300)], gold))
    noisy = gold + rng.normal(size=300)
    first, second = (task.measure_similarities(noisy + 0.1 * rng.normal(size=300)) for _ in range(2))
    (found,) = compare_scores(first, second)
    assert found.difference is not None
    assert found.difference.value == found.value == second[0].score.value - first[0].score.value
    width = found.difference.interval.high - found.difference.interval.low
    for figure in (first, second):
        span = figure[0].score.interval
        assert span is not None and 3 * width < span.high - span.low


@pytest.mark.parametrize(
    ("metric", "first", "second", "standing"),
    [
        ("spearman", 50, 55, "ahead"),
        ("spearman", 55, 50, "behind"),
        ("spearman", 50, 50, "not told apart"),
        ("fpr@95", 50, 55, "behind"),
        ("fpr@95", 55, 50, "ahead"),
        ("alignment", 0.5, 0.4, "ahead"),
        ("uniformity", -3, -2, "behind"),
        ("mean-cosine", 0.5, 0.1, ""),  # neither is better
    ],
)
def test_where_the_second_stands(metric: str, first: float, second: float, standing: str) -> None:
    (found,) = compare_scores([made(first, metric=metric)], [made(second, metric=metric)])
    assert found.standing == standing
    assert comparison_rows([found])[0]["second is"] == standing


def test_a_difference_within_its_interval_is_not_told_apart() -> None:
    noise = np.linspace(-1, 1, 1000)
    first, second = (
        BootstrappedScore(Score("T", "test", "m", value, 9), value + noise * s, Bootstrap()) for value, s in ((5, 1), (5.5, -1))
    )
    (found,) = compare_scores([first], [second])
    assert found.standing == "not told apart"  # 0.5, between about -1.4 and 2.4


def test_a_figure_without_resamples_has_a_difference_and_no_interval() -> None:
    (found,) = compare_scores([made(0.5, metric="threshold", half=None)], [made(0.625, metric="threshold", half=None)])
    assert (found.standing, found.record("a", "b")["difference"], found.record("a", "b")["interval"]) == ("", 0.125, None)
    (row,) = comparison_rows([found])
    assert (row["difference"], row["second is"]) == ("+0.12", "")


def test_only_what_both_have_is_compared_and_labels_are_those_of_both() -> None:
    found = compare_scores([made(1), made(2, "U", labels=("a",))], [made(5, "U", labels=("b", "a")), made(6, "V")])
    assert [each.first.task for each in found] == ["U"]
    assert found[0].labels == ["a", "b"]


def test_the_sentence_counts_the_main_figure_of_each_task() -> None:
    first = [
        *(made(50, subset=subset) for subset in ("all", "mean", "wmean", "part")),
        *(made(50, "FAQ", metric=metric) for metric in ("mrr@10", "recall@1")),
        *(made(50, "S", split=split) for split in ("dev", "test", "avg", "w-avg")),
        made(50, "avg"),
        made(0.3, "G", metric="mean-cosine"),
    ]
    second = [
        *(made(51, subset=subset) for subset in ("all", "mean", "wmean", "part")),
        *(made(49, "FAQ", metric=metric) for metric in ("mrr@10", "recall@1")),
        *(made(50, "S", split=split) for split in ("dev", "test", "avg", "w-avg")),
        made(51, "avg"),
        made(0.2, "G", metric="mean-cosine"),
    ]
    found = compare_scores(first, second)
    assert [str(each.first.task) for each in main_figures(found)] == ["T", "FAQ", "S", "S", "G"]
    assert (
        comparison_verdict(found, "one", "two")
        == "two against one: ahead on 1 of 4; not told apart on S dev, S test; behind on FAQ test. "
        "Corrected for 4 comparisons (Holm 1979)."
    )
    assert comparison_verdict([], "one", "two") == ""


def test_post_processing_behind_a_name_is_for_that_model_alone(run: Run, pairs: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"第{i}个句子，说的是{i * 7 % 13}\n" for i in range(60)), encoding="utf-8")
    done = run("compare", "mini", f"mini+whitening:{texts}", "--suite", pairs, "--json")
    (record,) = done.records
    assert (record["first"], record["second"]) == ("mini", "mini + whitening(texts.txt)")
    raw = run("evaluate", "mini", "--suite", pairs, "--json").records[0]["value"]
    whitened = run("evaluate", "mini", "--whiten", texts, "--suite", pairs, "--json").records[0]["value"]
    assert (record["first_value"], record["second_value"]) == (raw, whitened)
