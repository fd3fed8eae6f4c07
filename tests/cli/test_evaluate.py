"""`juyi evaluate` on small data: what it prints, what it says is wrong, and with which exit code it leaves."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.baselines import LexicalOverlap
from juyi.engines import open_engine
from juyi.types import Encode

VERBS = ["办理", "修改", "查询", "注销", "激活", "申请"]
NOUNS = ["信用卡", "密码", "账单", "手机号", "快递", "退款", "会员", "发票"]
CHINESE = ("atec", "bq", "lcqmc", "pawsx", "stsb")

Pairs = list[tuple[str, str, float]]


Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path / "cache"))  # for processes of their own too


@pytest.fixture
def evaluate(run: Run) -> Run:
    return partial(run, "evaluate")


def made_pairs(count: int = 24, shift: int = 0) -> Pairs:
    """Pairs of which every third is a paraphrase."""
    rows = []
    for i in range(count):
        j = i + shift
        k = j + (i % 3) * 5
        question = f"怎么{VERBS[j % 6]}{NOUNS[j % 8]}{'' if j < 24 else '呢'}"
        rows.append((question, f"{NOUNS[k % 8]}在哪里{VERBS[k % 6]}？", float((4, 2, 1)[i % 3] + (i % 2))))
    return rows


def write(path: Path, rows: list[tuple[Any, ...]], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join("\t".join(map(str, row)) + "\n" for row in rows).encode(encoding))
    return path


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """The five Chinese tasks as flat files."""
    for place, name in enumerate(CHINESE):
        write(tmp_path / "zh" / f"{name}.dev.tsv", made_pairs(18, place))
        write(tmp_path / "zh" / f"{name}.test.tsv", made_pairs(30, place))
    return tmp_path / "zh"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write(tmp_path / "pairs.tsv", made_pairs())


def spearman(encode: Encode, rows: Pairs) -> float:
    first, second, gold = zip(*rows, strict=True)
    cosines = [
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        for a, b in zip(encode(first).astype(float), encode(second).astype(float), strict=True)
    ]
    return 100 * float(stats.spearmanr(cosines, gold).statistic)


def test_json_has_a_line_a_score_in_a_stable_form(evaluate: Run, five: Path) -> None:
    done = evaluate("--data", five, "--json")
    assert done.returncode == 0, done.stderr
    for record in done.records:
        assert [*record] == ["model", "task", "split", "subset", "metric", "value", "count", "units", "interval", "labels"]
        assert record["interval"][0] <= record["value"] <= record["interval"][1]
        assert record["subset"] == "" and record["metric"] == "spearman"
        assert ("translated" in record["labels"]) == (record["task"] in ("STS-B", "avg"))
    values = {(r["task"], r["split"]): r["value"] for r in done.of("mini")}
    counts = {(r["task"], r["split"]): r["count"] for r in done.of("mini")}
    assert values["STS-B", "test"] == pytest.approx(spearman(open_engine("mini").encode, made_pairs(30, 4)), abs=0.01)
    assert counts["STS-B", "test"] == 30
    assert values["BQ", "avg"] == pytest.approx((values["BQ", "dev"] + values["BQ", "test"]) / 2)
    assert values["BQ", "w-avg"] == pytest.approx((18 * values["BQ", "dev"] + 30 * values["BQ", "test"]) / 48)
    names = ("ATEC", "BQ", "LCQMC", "PAWSX", "STS-B")
    for split in ("dev", "test", "avg", "w-avg"):
        assert values["avg", split] == pytest.approx(np.mean([values[name, split] for name in names]))
    assert {r["model"] for r in done.records} == {"mini"}
    assert json.loads(evaluate("--data", five, "--format", "json").stdout) == done.records


def test_csv_and_the_table_hold_the_same_figures(evaluate: Run, five: Path) -> None:
    asked = ("--data", five, "--task", "bq", "--task", "stsb")
    records = evaluate(*asked, "--json", "--overlap").records
    rows = list(csv.DictReader(io.StringIO(evaluate(*asked, "--format", "csv", "--overlap").stdout)))
    assert len(rows) == len(records) == 2 * 8
    for row, record in zip(rows, records, strict=True):
        assert float(row["value"]) == record["value"]
        assert [float(row["low"]), float(row["high"])] == record["interval"]
        assert row["labels"] == " ".join(record["labels"])
        assert {name: row[name] for name in ("model", "task", "split")} == {n: record[n] for n in ("model", "task", "split")}
    done = evaluate(*asked)
    for record in records:
        if record["model"] == "mini":
            (line,) = [line for line in done.stdout.splitlines() if f" {record['task']} {record['split']} " in line]
            low, high = record["interval"]
            assert f"{record['value']:.2f}" in line
            assert f"{low:.1f} – {high:.1f}" in line
    assert "18 pairs" in done.stderr and "cannot be compared with published tables" in done.stderr


def test_what_is_wrong_with_the_data_is_told_and_the_rest_is_measured(evaluate: Run, five: Path) -> None:
    (five / "atec.dev.tsv").unlink()
    (five / "bq.dev.tsv").write_text("")
    for name, line, text in (("bq.test", 5, "问\t答\tnan"), ("lcqmc.test", 7, "问\t答")):
        lines = (five / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        lines[line - 1] = text
        (five / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = evaluate("--data", five, "--json")
    assert done.returncode == 1
    problems = [line for line in done.stderr.splitlines() if line.startswith("Problem: ")]
    assert len(problems) == 4
    for words in (
        ("ATEC dev is missing",),
        ("BQ dev", "bq.dev.tsv", "empty"),
        ("BQ test", "bq.test.tsv, line 5", "nan"),
        ("LCQMC test", "lcqmc.test.tsv, line 7", "too few columns"),
    ):
        assert any(all(word in problem for word in words) for problem in problems), words
    found = {(r["task"], r["split"]) for r in done.of("mini")}
    assert {("ATEC", "test"), ("LCQMC", "dev"), ("STS-B", "avg")} <= found
    assert not found & {("ATEC", "avg"), ("BQ", "test"), ("avg", "test")}  # no average over less than all


def test_nothing_at_all_to_measure_is_one_error(evaluate: Run, five: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = evaluate("--data", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Error:") == 1 and "Problem" not in done.stderr
    assert "atec.train.tsv" in done.stderr
    done = evaluate("--data", five, "--split", "train", "--task", "ATEC")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ATEC train is missing" in done.stderr and "Error: Nothing is left" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--data"]),
        (["--suite", "zh-stss"], ["zh-stss", "zh-sts", "en-sts", "applied"]),
        (["--data", "FIVE", "--task", "STS-C"], ["STS-C", "ATEC", "STS-B"]),
        (["--data", "FIVE", "--split", "tset"], ["tset", "train, dev, test"]),
        (["--suite", "PAIRS", "--task", "pear"], ["pear", "pairs"]),
        (["--suite", "PAIRS", "--split", "dev"], ["dev", "all"]),
        (["--suite", "PAIRS", "--data", "FIVE"], ["--data"]),
        (["--suite", "PAIRS", "-k", "3"], ["--whiten"]),
        (["--suite", "PAIRS", "--whiten", "target", "--flow", "target"], ["--whiten", "--flow"]),
        (["--suite", "PAIRS", "--whiten", "trian"], ["--whiten", "trian", "target"]),
        (["--suite", "PAIRS", "--whiten", "train"], ["train", "all"]),
        (["lexical", "--suite", "PAIRS", "--whiten", "target"], ["lexical", "no vectors"]),
        (["lexical", "--suite", "PAIRS", "--flow", "target"], ["lexical", "no vectors"]),
        (["random:mini@x", "--suite", "PAIRS"], ["'x'", "random:mini@0"]),
        (["random:mini@1", "--suite", "PAIRS", "--pooling", "cls"], ["--pooling"]),
        (["vectors:", "--suite", "PAIRS"], ["vectors:FILE"]),
        (["mini", "--seeds", "--suite", "PAIRS"], ["--seeds", "two"]),
        (["--suite", "PAIRS", "--pooling", "mean"], ["mean", "last-avg"]),
        (["--suite", "PAIRS", "--encoding", "gbx"], ["gbx", "gb18030"]),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_what_is_allowed(
    evaluate: Run, five: Path, pairs: Path, arguments: list[str], words: list[str]
) -> None:
    done = evaluate(*({"FIVE": five, "PAIRS": pairs}.get(argument, argument) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert done.stderr.count("Error:") == 1


def test_another_encoding_is_found_or_can_be_said(evaluate: Run, pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "gb" / "pairs.tsv"
    write(file, made_pairs(), "gb18030")
    read = evaluate("--suite", file, "--json")
    assert "gb18030" in read.stderr and read.stdout == evaluate("--suite", pairs, "--json").stdout
    assert evaluate("--suite", file, "--encoding", "gb18030", "--json").stdout == read.stdout
    done = evaluate("--suite", file, "--encoding", "utf-8")
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 1" in done.stderr and "--encoding gb18030" in " ".join(done.stderr.split())


def test_repeated_rows_count_as_often_as_they_stand_there(evaluate: Run, pairs: Path, tmp_path: Path) -> None:
    write(tmp_path / "twice.tsv", made_pairs() * 2)
    once, twice = (evaluate("--suite", path, "--json").of("mini")[0] for path in (pairs, tmp_path / "twice.tsv"))
    assert (once["count"], twice["count"]) == (24, 48)
    assert twice["value"] == pytest.approx(once["value"])


def test_english_tasks_have_three_ways_to_pool_side_by_side(evaluate: Run, tmp_path: Path) -> None:
    folder = tmp_path / "en"
    for name, count in (("STS12.one", 12), ("STS12.two", 24), ("sick_r.train", 9), ("sick_r.trial", 6), ("sick_r.test", 15)):
        write(folder / f"{name}.tsv", made_pairs(count, count))
    asked = ("--suite", "en-sts", "--data", folder)
    done = evaluate(*asked, "--task", "STS12", "--task", "sick", "--json")
    assert done.returncode == 0, done.stderr
    found = {(r["task"], r["split"], r["subset"]): r for r in done.of("mini")}
    one, two = (found["STS12", "test", name]["value"] for name in ("one", "two"))
    assert found["STS12", "test", "mean"]["value"] == pytest.approx((one + two) / 2)
    assert found["STS12", "test", "wmean"]["value"] == pytest.approx((one + 2 * two) / 3)
    together = spearman(open_engine("mini").encode, made_pairs(12, 12) + made_pairs(24, 24))
    assert found["STS12", "test", "all"]["value"] == pytest.approx(together, abs=0.01)
    assert (found["SICK-R", "test", ""]["count"], found["SICK-R", "train+dev+test", ""]["count"]) == (15, 30)
    table = evaluate(*asked, "--task", "STS12", "--task", "sick").stdout.splitlines()
    (head,) = [line for line in table if "wmean" in line]
    assert head.index("spearman") < head.index(" mean ") < head.index("wmean")
    (row,) = [line for line in table if "STS12 test" in line]
    for subset in ("all", "mean", "wmean"):
        assert f"{found['STS12', 'test', subset]['value']:.2f}" in row
    (part,) = [line for line in table if "  one " in line]
    assert f"{one:.2f}" in part
    whole = evaluate(*asked)
    assert whole.returncode == 1
    problems = [line.split()[1] for line in whole.stderr.splitlines() if line.startswith("Problem:")]
    assert problems == ["STS13", "STS14", "STS15", "STS16", "STSBenchmark"]


GROUPS = [(noun, text.format(noun)) for noun in NOUNS for text in ("怎么办理{}", "{}在哪里办", "我想办{}", "{}的事")]
TRIPLETS = [(f"怎么办理{a}", f"{a}在哪里办", f"怎么办理{b}") for a, b in pairwise(NOUNS)]
LABELLED = [(first, second, int(score > 3)) for first, second, score in made_pairs()]
RANKED = ["mrr@10", "recall@1", "recall@5", "recall@10", "ndcg@10"]
CLASSES = ["average-precision", "f1", "f1-threshold", "accuracy", "accuracy-threshold"]


@pytest.mark.parametrize(
    ("rows", "metrics", "count"),
    [
        (made_pairs(), ["spearman"], 24),
        (LABELLED, ["spearman", *CLASSES], 24),
        (TRIPLETS, ["accuracy"], 7),
        (GROUPS, RANKED, 24),
    ],
)
def test_a_file_is_measured_as_what_its_columns_hold(
    evaluate: Run, tmp_path: Path, rows: list[Any], metrics: list[str], count: int
) -> None:
    done = evaluate("--suite", write(tmp_path / "mine.tsv", rows), "--json")
    assert done.returncode == 0, done.stderr
    assert [record["metric"] for record in done.of("mini")] == metrics
    assert {record["count"] for record in done.records} == {count}
    assert {record["split"] for record in done.records} == {"all"}


SUITE = """
[[task]]
kind = "sts"
name = "scored"
file = "pairs.tsv"
[[task]]
kind = "geometry"
name = "geometry"
file = "pairs.tsv"
[[task]]
kind = "triplets"
name = "triplets"
file = "triplets.tsv"
"""


def test_a_missing_file_in_a_suite_keeps_the_others(evaluate: Run, pairs: Path) -> None:
    declared = pairs.with_name("suite.toml")
    declared.write_text(SUITE, encoding="utf-8")
    done = evaluate("--suite", declared, "--json", "--overlap")
    assert done.returncode == 1
    assert list(dict.fromkeys(record["task"] for record in done.of("mini"))) == ["scored", "geometry"]
    assert {record["task"] for record in done.of("lexical-overlap")} == {"scored"}  # it has no vectors
    assert "Problem: triplets test" in done.stderr and "triplets.tsv" in done.stderr
    table = evaluate("--suite", declared).stdout
    assert "metric" in table and "value" in table
    assert table.count("geometry test") == 1  # named where it begins


def test_word_overlap_as_a_model_does_not_stand_beside_itself(evaluate: Run, pairs: Path) -> None:
    (record,) = evaluate("lexical", "--suite", pairs, "--json").records
    first, second, gold = zip(*made_pairs(), strict=True)
    assert record["value"] == pytest.approx(100 * stats.spearmanr(LexicalOverlap().pairs(first, second), gold).statistic)
    done = evaluate("lexical", "--suite", pairs)
    assert "against" not in done.stdout + done.stderr


def test_word_overlap_stands_beside_a_model_unless_it_is_not_wanted(evaluate: Run, five: Path) -> None:
    asked = ("--data", five, "--task", "bq")
    done = evaluate(*asked)
    records = {(r["model"], r["split"]): r["value"] for r in evaluate(*asked, "--json", "--overlap").records}
    (row,) = [line for line in done.stdout.splitlines() if " BQ test " in line]
    assert f"{records['lexical-overlap', 'test']:.2f}" in row
    assert f"{records['mini', 'test'] - records['lexical-overlap', 'test']:+.1f} (" in row
    assert "mini against word overlap: ahead on " in done.stderr
    without = evaluate(*asked, "--no-overlap")
    assert "overlap" not in without.stdout + without.stderr
    bare = evaluate(*asked, "--json", "--label", "mine")  # a program asks for what it wants
    assert {(record["model"], *record["labels"]) for record in bare.records} == {("mini", "mine")}
    assert all(
        record["labels"] == [] for record in evaluate(*asked, "--json", "--overlap", "--label", "mine").of("lexical-overlap")
    )


def test_vectors_that_know_no_word_are_a_problem_in_words(evaluate: Run, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "english.txt").write_text("hello 0.1 0.2\nworld 0.3 0.1\n")
    done = evaluate(f"vectors:{tmp_path / 'english.txt'}", "mini", "--suite", pairs, "--json")
    assert done.returncode == 1
    assert [record["model"] for record in done.records] == ["mini"]
    assert "Note: 100.0 % of the words" in done.stderr
    assert "Problem: vectors:english.txt: pairs all could not be measured" in done.stderr
    assert "collapsed" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("models", [["mini", "mini-base"], ["mini", "mini-base", "lexical"]])
def test_seeds_are_summed_up_by_their_mean_and_spread(evaluate: Run, pairs: Path, models: list[str]) -> None:
    done = evaluate(*models, "--seeds", "--suite", pairs, "--json")
    (record,) = done.records
    singles = [evaluate(model, "--suite", pairs, "--json", "--no-overlap").records[0]["value"] for model in models]
    assert record["values"] == pytest.approx(singles)
    assert (record["seeds"], record["count"], record["task"], record["metric"]) == (len(models), 24, "pairs", "spearman")
    assert record["value"] == pytest.approx(np.mean(singles))
    interval = stats.t.interval(0.95, len(singles) - 1, loc=np.mean(singles), scale=stats.sem(singles))
    assert record["interval"] == pytest.approx(list(interval))
    table = evaluate(*models, "--seeds", "--suite", pairs).stdout
    assert f"{record['value']:.2f} ± {(interval[1] - interval[0]) / 2:.2f}" in table
    assert all(f"{value:.2f}" in table for value in singles)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["evaluate", "--help"], {"torch", "numpy", "scipy", "pydantic"}),
        (["compare", "--help"], {"torch", "numpy", "scipy", "pydantic"}),
        (["evaluate", "--whiten", "-k", "4", "--suite"], {"torch", "sklearn", "transformers"}),
        (["evaluate", "--suite"], {"torch", "sklearn", "transformers"}),
    ],
)
def test_nothing_heavy_is_imported(pairs: Path, arguments: list[str], heavy: set[str]) -> None:
    asked = arguments if "--help" in arguments else [*arguments, str(pairs)]
    program = "import sys; from juyi.cli.main import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program, *asked], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert not heavy & set(done.stderr.split())


def test_a_pipe_that_closes_ends_the_command_without_a_traceback(pairs: Path) -> None:
    command = [sys.executable, "-m", "juyi.cli.main", "evaluate", "--suite", str(pairs), "--json"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    os.close(writing)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.shared
def test_counts_are_the_published_ones(evaluate: Run, shared_data: Path) -> None:
    done = evaluate("lexical", "--data", shared_data / "zh_sts", "--task", "stsb", "--task", "pawsx", "--json")
    counts = {(r["task"], r["split"]): r["count"] for r in done.records}
    assert (counts["STS-B", "dev"], counts["STS-B", "test"]) == (1458, 1361)
    assert (counts["PAWSX", "dev"], counts["PAWSX", "test"]) == (2000, 2000)
    assert "Note" not in done.stderr
