from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from juyi.data.sets import ENGLISH_STS, find_english_sts, read_english_sts
from juyi.errors import DataError, UsageError

SENTEVAL_SUBTASKS = {
    "STS12": "MSRpar MSRvid SMTeuroparl surprise.OnWN surprise.SMTnews",
    "STS13": "FNWN headlines OnWN",
    "STS14": "deft-forum deft-news headlines OnWN images tweet-news",
    "STS15": "answers-forums answers-students belief headlines images",
    "STS16": "answer-answer headlines plagiarism postediting question-question",
}


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opened(path, "wt", encoding="utf-8", newline="") as stream:
        stream.write(text)
    return path


def write_year(root: Path, year: str, *, first: str = "a  man\u00a0plays .", gold: str = "3.5") -> None:
    for subtask in SENTEVAL_SUBTASKS[year].split():
        write(root, f"STS/{year}-en-test/STS.input.{subtask}.txt", f"{first}\tin {subtask}\nnot\tscored\nred \tblue\n")
        write(root, f"STS/{year}-en-test/STS.gs.{subtask}.txt", f"{gold}\n\n0\n")
        write(root, f"STS/{year}-en-test/STS.output.{subtask}.txt", "1\n")


def write_sick(root: Path, split: str, rows: str) -> Path:
    header = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
    return write(root, f"SICK/SICK_{split}.txt", header + rows)


def test_flat_subtasks_are_pooled_by_name_whatever_they_are(tmp_path: Path) -> None:
    write(tmp_path, "STS14.zebra.tsv", "zebra\ta b\tc d\t2\n")
    write(tmp_path, "STS14.deft-forum.tsv.xz", "deft-forum\te f\tg h\t0.8\ndeft-forum\ti j\tk l\t5\n")
    write(tmp_path, "STS14.surprise.OnWN.tsv.gz", "m n\to p\t1\n")  # the name of the file tells the sub-task
    write(tmp_path, "STS17.other.tsv", "other\ta\tb\t1\n")
    pairs = read_english_sts(tmp_path, "STS14")
    assert pairs.first == ["e f", "i j", "m n", "a b"]
    assert pairs.second == ["g h", "k l", "o p", "c d"]
    assert pairs.scores.tolist() == [0.8, 5, 1, 2]
    assert pairs.subsets == ("deft-forum", "deft-forum", "surprise.OnWN", "zebra")
    assert list(find_english_sts(tmp_path)) == [("STS14", "test")]


def test_flat_splits(tmp_path: Path) -> None:
    for name, score in [("stsb.train", 1), ("stsb.valid", 2), ("stsb.test", 3), ("sick_r.trial", 4), ("sick_r.test", 5)]:
        write(tmp_path, f"{name}.tsv", f"a b\tc d\t{score}\n")
    write(tmp_path, "stsb.train_clean.tsv", "no\tno\t0\n")
    expected = {("STSBenchmark", "train"): 1, ("STSBenchmark", "dev"): 2, ("STSBenchmark", "test"): 3}
    expected |= {("SICK-R", "dev"): 4, ("SICK-R", "test"): 5}
    assert list(find_english_sts(tmp_path)) == list(expected)
    for (name, split), score in expected.items():
        pairs = read_english_sts(tmp_path, name, split)
        assert (pairs.scores.tolist(), pairs.subsets) == ([score], None)


@pytest.mark.parametrize("parent", ["", "downstream"])
@pytest.mark.parametrize("year", SENTEVAL_SUBTASKS)
def test_senteval_years(tmp_path: Path, year: str, parent: str) -> None:
    write_year(tmp_path / parent, year)
    subtasks = sorted(SENTEVAL_SUBTASKS[year].split())
    assert list(find_english_sts(tmp_path)) == [(year, "test")]
    pairs = read_english_sts(tmp_path, year)
    assert pairs.first == ["a man plays .", "red"] * len(subtasks)
    assert pairs.second == [text for subtask in subtasks for text in (f"in {subtask}", "blue")]
    assert pairs.scores.tolist() == [3.5, 0] * len(subtasks)
    assert pairs.subsets == tuple(subtask for subtask in subtasks for _ in range(2))


def test_senteval_benchmark_and_sick(tmp_path: Path) -> None:
    for split, score in [("train", "1.0"), ("dev", "2.0"), ("test", "3.0")]:
        rows = f'main\tMSRvid\t2012\t0001\t{score}\ta "b\tc d\nmain\tMSRvid\t2012\t0002\t4.25\te\tf  g\tsource\tlicence\n'
        write(tmp_path, f"STS/STSBenchmark/sts-{split}.csv", rows)
        pairs = read_english_sts(tmp_path, "STSBenchmark", split)
        assert (pairs.first, pairs.second, pairs.subsets) == (['a "b', "e"], ["c d", "f g"], None)
        assert pairs.scores.tolist() == [float(score), 4.25]
    for split, file in [("train", "train"), ("dev", "trial"), ("test", "test_annotated")]:
        write_sick(tmp_path, file, f"6\tThere is  no boy\tA {split}\t3.3\tNEUTRAL\r\n")
        pairs = read_english_sts(tmp_path, "SICK-R", split)
        assert (pairs.first, pairs.second, pairs.scores.tolist()) == (["There is no boy"], [f"A {split}"], [3.3])


def test_flat_files_come_before_senteval(tmp_path: Path) -> None:
    write_year(tmp_path / "downstream", "STS12")
    write_sick(tmp_path / "downstream", "trial", "6\ta\tb\t3.3\tNEUTRAL\n")
    write_sick(tmp_path / "downstream", "train", "6\ta\tb\t3.3\tNEUTRAL\n")
    flat = [write(tmp_path, "STS12.MSRpar.tsv", "MSRpar\tx\ty\t1\n"), write(tmp_path, "sick_r.trial.tsv", "x\ty\t1\n")]
    found = find_english_sts(tmp_path)
    assert [found["STS12", "test"], found["SICK-R", "dev"]] == [(flat[0],), (flat[1],)]
    assert found["SICK-R", "train"] == (tmp_path / "downstream/SICK/SICK_train.txt",)
    assert read_english_sts(tmp_path, "STS12").first == ["x"]


@pytest.mark.parametrize("names", [("STS12.MSRpar.tsv", "STS12.MSRpar.tsv.gz"), ("stsb.dev.tsv", "stsb.valid.tsv")])
def test_the_same_file_twice(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        write(tmp_path, name, "a\tb\t1\n")
    with pytest.raises(DataError, match=rf"both .*{names[0]}.* and .*{names[1]}.* Keep one of them"):
        find_english_sts(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of the English STS sets.*STS12\.MSRpar\.tsv.*STS12-en-test.*Found: nothing"):
        find_english_sts(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_english_sts(tmp_path / "nope")
    path = write(tmp_path, "stsb.test.tsv", "a\tb\t1\n")
    with pytest.raises(DataError, match="this is a file"):
        find_english_sts(path)
    for name, split in [("STSBenchmark", "dev"), ("STS12", "test"), ("SICK-R", "valid")]:
        with pytest.raises(DataError, match=f"the {split} split of {name} is not here. Found: STSBenchmark test"):
            read_english_sts(tmp_path, name, split)
    with pytest.raises(UsageError, match=r"no English STS set 'STS17'\. Allowed: STS12, STS13"):
        read_english_sts(tmp_path, "STS17")


@pytest.mark.parametrize(("row", "reason"), [("a\tb", "columns"), ("a\tb\tnan", "finite number"), ("a\t \t1", "is empty")])
def test_bad_flat_lines(tmp_path: Path, row: str, reason: str) -> None:
    write(tmp_path, "stsb.test.tsv", f"a b\tc\t1\n{row}\n")
    with pytest.raises(DataError, match=rf"stsb\.test\.tsv, line 2: .*{reason}"):
        read_english_sts(tmp_path, "STSBenchmark")


@pytest.mark.parametrize(
    "name", ["STS15.images.tsv", "STS/STS15-en-test/STS.input.images.txt", "STS/STS15-en-test/STS.gs.images.txt"]
)
def test_empty_subtask(tmp_path: Path, name: str) -> None:
    write_year(tmp_path, "STS15")
    write(tmp_path, name, "")
    with pytest.raises(DataError, match=f"{name}: .*empty"):
        read_english_sts(tmp_path, "STS15")


@pytest.mark.parametrize(
    ("file", "text", "place", "reason"),
    [
        ("input", "a\tb\nc\nd\te\n", "STS.input.FNWN.txt, line 2", "2 columns are needed, and this line has 1"),
        ("input", "a\tb\n\nc\td\n", "STS.input.FNWN.txt, line 2", "2 columns are needed, and this line has 1"),
        ("input", "a\tb\nc\td\n\te\n", "STS.input.FNWN.txt, line 3", "a sentence is empty"),
        ("input", "a\tb\tc\n", "STS.input.FNWN.txt, line 1", "2 columns are needed, and this line has 3"),
        ("gs", "1\n\n", "STS.gs.FNWN.txt, line 3", "2 gold scores here and 3 pairs"),
        ("gs", "1\n\n2\n3\n", "STS.gs.FNWN.txt, line 4", "4 gold scores here and 3 pairs"),
        ("gs", "1\n\nnan\n", "STS.gs.FNWN.txt, line 3", "the score is 'nan', and a finite number is needed"),
        ("gs", "high\n\n2\n", "STS.gs.FNWN.txt, line 1", "the score is 'high'"),
    ],
)
def test_bad_senteval_lines(tmp_path: Path, file: str, text: str, place: str, reason: str) -> None:
    write_year(tmp_path, "STS13")
    write(tmp_path, f"STS/STS13-en-test/STS.{file}.FNWN.txt", text)
    with pytest.raises(DataError, match=rf"{place}: .*{reason}"):
        read_english_sts(tmp_path, "STS13")


@pytest.mark.parametrize("name", ["STS.input.plagiarism.txt", "STS.gs.plagiarism.txt"])
def test_a_missing_subtask_is_not_left_out(tmp_path: Path, name: str) -> None:
    write_year(tmp_path, "STS16")
    (tmp_path / "STS/STS16-en-test" / name).unlink()
    with pytest.raises(DataError, match=f"{name}: there is no such file"):
        read_english_sts(tmp_path, "STS16")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("6\ta\tb\t3.3\tNEUTRAL\n", "line 1: the first line must hold the names"),
        ("pair_ID\tsentence_A\tsentence_B\tscore\tjudgment\n", "only a header and no rows"),
        ("pair_ID\tsentence_A\tsentence_B\tscore\tjudgment\n6\ta\tb\t3.3\n", "line 2: 5 columns are needed, and this line has 4"),
        ("pair_ID\tsentence_A\tsentence_B\tscore\tjudgment\n6\ta\tb\tinf\tNEUTRAL\n", "line 2: the score is 'inf'"),
    ],
)
def test_bad_sick(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, "SICK/SICK_test_annotated.txt", text)
    with pytest.raises(DataError, match=rf"SICK_test_annotated\.txt.*{reason}"):
        read_english_sts(tmp_path, "SICK-R")


def test_bad_benchmark(tmp_path: Path) -> None:
    write(tmp_path, "STS/STSBenchmark/sts-test.csv", "main\tMSRvid\t2012\t0001\t1.0\ta\tb\nmain\tMSRvid\t2012\t0001\t1.0\ta\n")
    with pytest.raises(DataError, match=r"sts-test\.csv, line 2: at least 7 columns are needed, and this line has 6"):
        read_english_sts(tmp_path, "STSBenchmark")


@pytest.mark.shared
def test_real_sets(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "en_sts"
    counts = {("STS12", "test"): 3108, ("STS13", "test"): 1500, ("STS14", "test"): 3750, ("STS15", "test"): 3000}
    counts |= {("STS16", "test"): 1186, ("STSBenchmark", "train"): 5749, ("STSBenchmark", "dev"): 1500}
    counts |= {("STSBenchmark", "test"): 1379, ("SICK-R", "train"): 4500, ("SICK-R", "dev"): 500, ("SICK-R", "test"): 4927}
    found = find_english_sts(folder)
    assert set(found) >= counts.keys() - {("STS16", "test")}
    assert {name for name, _ in found} <= set(ENGLISH_STS)
    for key in found:
        assert len(read_english_sts(folder, *key)) == counts[key]
    for year in ("STS12", "STS13", "STS14", "STS15"):
        assert set(read_english_sts(folder, year).subsets or ()) == set(SENTEVAL_SUBTASKS[year].split())


@pytest.mark.shared
def test_real_set_in_both_layouts(shared_data: Path, tmp_path: Path) -> None:
    flat = read_english_sts(shared_data / "en_sts", "STS12")
    for subtask in SENTEVAL_SUBTASKS["STS12"].split():
        lines = (shared_data / f"en_sts/STS12.{subtask}.tsv").read_text(encoding="utf-8").splitlines()
        cells = [line.split("\t") for line in lines]
        write(tmp_path, f"STS/STS12-en-test/STS.input.{subtask}.txt", "".join(f"{row[1]}\t{row[2]}\n" for row in cells))
        write(tmp_path, f"STS/STS12-en-test/STS.gs.{subtask}.txt", "".join(f"{row[3]}\n" for row in cells))
    other = read_english_sts(tmp_path, "STS12")
    assert (other.first, other.second, other.subsets) == (flat.first, flat.second, flat.subsets)
    np.testing.assert_array_equal(other.scores, flat.scores)
