"""The comparison of encoders: its baselines against slow loops, its tables, and where on the page they go."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.baselines import LexicalOverlap
from juyi.data import ScoredPairs
from juyi.errors import DataError
from juyi.evaluation import Candidate, Evaluation
from juyi.metrics import Bootstrap, spearman
from juyi.tasks import STS, BootstrappedScore
from juyi.types import Interval, Score

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import compare_encoders
from baselines.page import Column, Cost, check_page, column_table, cost_table, overlap_leads, write_sections
from baselines.rows import Row

English = tuple[Path, list[float], dict[str, list[int]]]

PAGE = """# A page\r
<!-- measured: chinese -->
old figures
<!-- end -->
between
<!-- measured: english -->
<!-- end -->
the end, without a line end"""


def evaluation(*scores: Score) -> Evaluation:
    """One whose figures were drawn ten times and always came out the same: differences are certain."""
    return Evaluation("m", tuple(BootstrappedScore(each, np.full(10, each.value), Bootstrap(resamples=10)) for each in scores))


def score(task: str, value: float, low: float, high: float, *labels: str) -> Score:
    return Score(task, "test", "spearman", value, 9, interval=Interval(low, high), labels=labels)


COLUMNS = [Column("BQ", "test"), Column("LCQMC", "test")]


def test_a_table_shows_intervals_means_over_seeds_daggers_and_gaps() -> None:
    table = {
        "plain": [evaluation(score("BQ", -0.5, -2.04, 1.0))],
        "random": [evaluation(score("BQ", 10, 8, 12), score("LCQMC", 30, 29, 31)), evaluation(score("BQ", 20, 17, 23))],
        "plain + whitening": [evaluation(score("BQ", 70, 69, 71, "transductive"))],
        "knows no Chinese": [],
    }
    assert column_table(table, COLUMNS).splitlines() == [
        "|  | BQ test | LCQMC test |",
        "| --- | ---: | ---: |",
        "| plain | −0.5 <small>(−2.0–1.0)</small> | – |",
        "| random | 15.0 <small>(12.5–17.5)</small> | 30.0 <small>(29.0–31.0)</small> |",
        "| plain + whitening † | 70.0 <small>(69.0–71.0)</small> | – |",
        "| knows no Chinese | – | – |",
        "",
        "† Fitted on the very sentences that are scored, without their labels (transductive).",
    ]


def test_costs_show_what_is_not_known_as_a_dash() -> None:
    found = cost_table([Cost("ours", "onnx", 15_500_000, 7_460_000, 1234.5, 3.14159), Cost("b", "–", None, None, 9, None)], "ref")
    assert found.splitlines()[2:] == ["| ours | 15.5 | 7.5 | onnx | 1,234 | 3.1 |", "| b | – | – | – | 9 | – |"]
    assert "speed, ref = 1" in found


def test_the_list_names_every_place_where_overlap_leads() -> None:
    overlap = evaluation(score("BQ", 50, 49, 51), score("LCQMC", 40, 39, 41))
    wide = BootstrappedScore(score("LCQMC", 39.6, 30, 49), 39.6 + np.linspace(-9, 9, 10), Bootstrap(resamples=10))
    table = {
        "a": [Evaluation("a", (*evaluation(score("BQ", 46.86, 46, 47)).bootstrapped, wide))],
        "b": [evaluation(score("BQ", 52, 51, 53))],
        "c": [evaluation(score("BQ", 48, 47, 49)), evaluation(score("BQ", 49, 48, 50))],
    }
    assert overlap_leads(overlap, table, COLUMNS).splitlines() == [
        "Lexical overlap is ahead of",
        "",
        "- a: BQ test (+3.1), LCQMC test (+0.4, not certain)",
        "- c: BQ test (+1.5)",
    ]
    assert overlap_leads(overlap, {"b": table["b"]}, COLUMNS) == "Lexical overlap is nowhere ahead of another row."


def test_writing_keeps_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(PAGE.encode())
    write_sections(page, {"chinese": "| new \\1 |\n"})
    written = page.read_bytes().decode()
    assert written == PAGE.replace("\nold figures\n", "\n\n| new \\1 |\n\n")
    write_sections(page, {"chinese": "| new \\1 |"})
    assert page.read_bytes().decode() == written
    write_sections(page, {"english": "E", "chinese": "C"})
    assert re.findall(r"(\w+) -->\n\n(\w)\n\n<!-- end", page.read_text(encoding="utf-8")) == [("chinese", "C"), ("english", "E")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no markers", "0 places for the figures 'chinese'"),
        (PAGE + PAGE, "2 places"),
        ("<!-- measured: chinese -->\n", "needs one <!-- end -->"),
        ("<!-- end -->\n<!-- measured: chinese -->", "needs one <!-- end -->"),
        ("<!-- measured: chinese -->\n<!-- measured: english -->\n<!-- end -->\n<!-- end -->", "needs one <!-- end -->"),
    ],
)
def test_a_page_without_a_place_is_refused_and_left_alone(tmp_path: Path, text: str, reason: str) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(text.encode())
    with pytest.raises(DataError, match=reason):
        check_page(page, ["chinese"])
    with pytest.raises(DataError, match=reason):
        write_sections(page, {"chinese": "x"})
    assert page.read_bytes() == text.encode()


def test_a_missing_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such page"):
        check_page(tmp_path / "page.md", [])


def test_the_page_of_the_project_has_a_place_for_every_table() -> None:
    check_page(Path(__file__).parents[2] / "docs" / "comparison.md", ["chinese", "english", "cost"])


@pytest.fixture
def english(tmp_path: Path, rng: np.random.Generator) -> English:
    """A folder of sets; the overlap of its pairs, and the gold scores by sub-task."""
    folder = tmp_path / "en"
    folder.mkdir()
    first, second = ([" ".join(rng.choice(list("abcd"), rng.integers(1, 6))) for _ in range(30)] for _ in range(2))
    golds = {name: rng.integers(0, 6, 30).tolist() for name in "xy"}
    for name, scores in golds.items():
        rows = [f"{a}\t{b}\t{s}\n" for a, b, s in zip(first, second, scores, strict=True)]
        (folder / f"STS13.{name}.tsv").write_text("".join(f"{name}\t{row}" for row in rows), encoding="utf-8")
        (folder / "stsb.test.tsv").write_text("".join(rows), encoding="utf-8")
    return folder, LexicalOverlap().pairs(first, second).tolist(), golds


def test_a_year_is_pooled_and_its_mean_is_told_apart(
    english: English, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, cosines, golds = english
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    compare_encoders.main(["--en", str(folder), "--rows", "lexical", "--write", str(page)])
    out, err = capsys.readouterr()
    records = {(each["task"], each["subset"]): each for each in map(json.loads, out.splitlines())}
    assert list(records) == [("STS13", subset) for subset in ("all", "mean", "wmean", "x", "y")] + [("STSBenchmark", "")]
    pooled = spearman([*cosines, *cosines], [*golds["x"], *golds["y"]])
    mean = sum(spearman(cosines, gold) for gold in golds.values()) / 2
    assert records["STS13", "all"]["value"] == pytest.approx(100 * pooled)
    assert records["STS13", "mean"]["value"] == pytest.approx(100 * mean)
    assert records["STS13", "all"]["count"] == 60
    assert pooled != pytest.approx(mean)
    assert "the test split of STS12 is not here" in err
    assert "the test split of SICK-R is not here" in err
    written = page.read_text(encoding="utf-8")
    assert "| lexical overlap |" in written
    assert "nowhere ahead" in written
    assert "old figures" in written  # the Chinese table was not measured


def test_both_tables_have_all_rows(english: English, tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("jieba")
    chinese, text, page = tmp_path / "zh", tmp_path / "text.txt", tmp_path / "page.md"
    chinese.mkdir()
    for name in ("stsb.dev", "stsb.test", "lcqmc.test", "bq.test", "atec.test", "pawsx.test"):
        sides = [["".join(rng.choice(list("钱卡还款"), 5)) for _ in range(30)] for _ in range(2)]
        rows = zip(*sides, rng.integers(0, 6, 30).tolist(), strict=True)
        (chinese / f"{name}.tsv").write_text("".join(f"{a}\t{b}\t{s}\n" for a, b, s in rows), encoding="utf-8")
    text.write_text("我 的 钱\n还 款 卡\n钱 还 款\n" * 6, encoding="utf-8")
    page.write_text(PAGE, encoding="utf-8")
    asked = ["--zh", str(chinese), "--en", str(english[0]), "--text", str(text), "--write", str(page)]
    compare_encoders.main([*asked, "--rows", "word-vectors,lexical"])
    zh, en = page.read_text(encoding="utf-8").split("between")
    assert "|  | STS-B dev | STS-B test | LCQMC test | BQ test | ATEC test | PAWSX test |" in zh
    assert re.search(r"^\| word-vector average \|( −?[\d.]+ <small>\(.*?\)</small> \|){6}$", zh, re.M)
    assert "| word-vector average | – | – |" in en
    assert zh.index("| lexical overlap") < zh.index("| word-vector average")
    assert "Lexical overlap is " in zh
    assert "old figures" not in zh


def test_speed_fills_the_cost_table_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE + "\n<!-- measured: cost -->\n<!-- end -->\n", encoding="utf-8")
    (tmp_path / "stsb.test.tsv").write_text("怎么还款\t如何还款\t5\n换套餐\t银行卡\t0\n", encoding="utf-8")
    options = ["--speed", "--keep-cores", "--rows", "lexical,ours", "--encoder", f"ours={EMBEDDED[DEFAULT_ENCODER]}"]
    compare_encoders.main(["--zh", str(tmp_path), *options, "--write", str(page)])
    before, written = page.read_text(encoding="utf-8").split("<!-- measured: cost -->")
    assert before == PAGE.replace("\r", "") + "\n"
    megabytes = sum(path.stat().st_size for path in EMBEDDED[DEFAULT_ENCODER].rglob("*") if path.is_file()) / 1e6
    assert re.search(r"^\| lexical overlap \| – \| – \| – \| [\d,]+ \| – \|$", written, re.M)
    assert re.search(rf"^\| ours \| {megabytes:.1f} \| [\d.]+ \| onnx \| [\d,]+ \| – \|$", written, re.M)


def test_a_trial_says_that_it_is_one(english: English, tmp_path: Path) -> None:
    folder, _, _ = english
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    compare_encoders.main(["--en", str(folder), "--rows", "lexical", "--limit", "20", "--write", str(page)])
    assert "A trial on the first 20 pairs" in page.read_text(encoding="utf-8")


def test_rows_and_folders_that_do_not_exist_are_refused(english: English, tmp_path: Path) -> None:
    folder, _, _ = english
    with pytest.raises(SystemExit, match=r"There is no row 'bert'\. The rows are lexical, word-vectors, random, "):
        compare_encoders.main(["--en", str(folder), "--rows", "lexical,bert"])
    with pytest.raises(SystemExit, match="NAME=FOLDER"):
        compare_encoders.main(["--en", str(folder), "--encoder", "mine"])
    with pytest.raises(SystemExit, match="Name a folder with --zh"):
        compare_encoders.main([])
    with pytest.raises(SystemExit, match="none of the English STS sets is here"):
        compare_encoders.main(["--en", str(tmp_path)])


def test_whitening_is_fitted_on_the_task_and_says_so() -> None:
    vectors = {f"s{i}": row for i, row in enumerate(np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32) + 5)}
    pairs = ScoredPairs([f"s{i}" for i in range(20)], [f"s{i}" for i in range(20, 40)], np.arange(20.0))
    task = STS("T", "test", pairs)
    calls: list[int] = []

    def encode(texts: list[str]) -> np.ndarray:
        calls.append(len(texts))
        return np.stack([vectors[text] for text in texts])

    (title, raw), (whitened_title, whitened) = compare_encoders.measure(
        Row("m", Candidate("m, seed 0", encode), whitens=True), [task]
    )
    assert calls == [40]  # each sentence once, for both rows
    assert (title, whitened_title) == ("m", "m + whitening")
    assert (raw.name, whitened.name) == ("m, seed 0", "m, seed 0 + whitening")
    assert (raw.scores[0].labels, whitened.scores[0].labels) == ((), ("transductive",))
    everything = np.stack(list(vectors.values())).astype(np.float64)
    mean, inverse = everything.mean(axis=0), np.linalg.inv(np.cov(everything.T))
    a, b = everything[:20] - mean, everything[20:] - mean
    mahalanobis = [x @ inverse @ y / math.sqrt((x @ inverse @ x) * (y @ inverse @ y)) for x, y in zip(a, b, strict=True)]
    assert whitened.value("T", "test") == pytest.approx(100 * spearman(mahalanobis, np.arange(20.0)), abs=1e-9)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
