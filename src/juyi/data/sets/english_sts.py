"""The English STS sets in a folder: STS12 to STS16, STS-Benchmark and SICK-R, as flat files or in SentEval's layout."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from juyi.data.files import PathLike, read_lines
from juyi.data.numbers import is_number
from juyi.data.row_shapes import ScoredPairs
from juyi.data.scored import read_scored_pairs
from juyi.data.sets.layouts import Files, downstream_folder, existing_folder, listed, names_in, sentence, tab_rows
from juyi.errors import DataError, UsageError

ENGLISH_STS = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "SICK-R")

_YEAR = re.compile(r"(STS1[2-6])\.(.+)\.tsv(?:\.gz|\.xz)?", re.IGNORECASE)
_SPLIT = re.compile(r"(stsb|sick_r)\.(train|dev|valid|trial|test)\.tsv(?:\.gz|\.xz)?", re.IGNORECASE)

# The sub-tasks that SentEval measures; STS13 is without SMT, which its licence keeps out.
_SUBTASKS = {
    "STS12": ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    "STS13": ("FNWN", "OnWN", "headlines"),
    "STS14": ("OnWN", "deft-forum", "deft-news", "headlines", "images", "tweet-news"),
    "STS15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "STS16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}
_SENTEVAL = {
    ("STSBenchmark", "train"): "STS/STSBenchmark/sts-train.csv",
    ("STSBenchmark", "dev"): "STS/STSBenchmark/sts-dev.csv",
    ("STSBenchmark", "test"): "STS/STSBenchmark/sts-test.csv",
    ("SICK-R", "train"): "SICK/SICK_train.txt",
    ("SICK-R", "dev"): "SICK/SICK_trial.txt",
    ("SICK-R", "test"): "SICK/SICK_test_annotated.txt",
}
_LAYOUTS = (
    "flat files (STS12.MSRpar.tsv, stsb.test.tsv, sick_r.test.tsv, …, each also with .gz or .xz) and SentEval's downstream "
    "folder or its parent (STS/STS12-en-test/STS.input.MSRpar.txt, STS/STSBenchmark/sts-test.csv, SICK/SICK_trial.txt, …)"
)


def find_english_sts(folder: PathLike) -> Files:
    """The files of the English STS sets in a folder, by (set, split): ("STS12", "test") or ("SICK-R", "dev"), for example.

    Two layouts are looked for: flat files, `STS12.<sub-task>.tsv`, `stsb.<split>.tsv` and `sick_r.<split>.tsv`, whatever
    sub-tasks there are; and SentEval's downstream folder, or the folder that holds `downstream`, with the sub-tasks that SentEval
    measures. STS12 to STS16 have the split test alone. `trial` of SICK is `dev`. Where both layouts hold a split, the flat files
    are taken.

    Raises:
        DataError: The folder does not exist or holds nothing of these, or a flat file is there twice.
    """
    root = existing_folder(folder, _LAYOUTS)
    found = _senteval_files(downstream_folder(root)) | _flat_files(root)
    if not found:
        raise DataError(f"none of the English STS sets is here. Looked for: {_LAYOUTS}. {names_in(root)}", path=folder)
    return {
        (name, split): found[name, split] for name in ENGLISH_STS for split in ("train", "dev", "test") if (name, split) in found
    }


def read_english_sts(folder: PathLike, name: str, split: str = "test") -> ScoredPairs:
    """The pairs of one English STS set, with their gold scores.

    STS12 to STS16 come back as one set, sub-task after sub-task in the order of their names, with `subsets` filled. In SentEval's
    layout rows without a gold score are left out and words are joined by single blanks, as SentEval does. SICK-R has 4,927 test
    pairs; its set on the hub has all 9,927.

    Args:
        folder: Where the sets lie; the layouts are those of `find_english_sts`.
        name: One of `ENGLISH_STS`.
        split: `test`; of STSBenchmark and SICK-R also `train` and `dev`.

    Raises:
        UsageError: There is no set of this name.
        DataError: The folder does not hold the split, or a line of it cannot be used.
    """
    if name not in ENGLISH_STS:
        raise UsageError(f"there is no English STS set '{name}'. Allowed: {', '.join(ENGLISH_STS)}.")
    found = find_english_sts(folder)
    if (name, split) not in found:
        raise DataError(f"the {split} split of {name} is not here. Found: {listed(found)}.", path=folder)
    parts = [_read(path) for path in found[name, split]]
    has_subsets = all(part.subsets for part in parts)
    return ScoredPairs(
        [text for part in parts for text in part.first],
        [text for part in parts for text in part.second],
        np.concatenate([part.scores for part in parts]),
        tuple(subset for part in parts for subset in part.subsets or ()) if has_subsets else None,
    )


def _flat_files(root: Path) -> Files:
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for path in sorted(root.iterdir()):
        if year := _YEAR.fullmatch(path.name):
            key, part = (year[1].upper(), "test"), year[2]
        elif match := _SPLIT.fullmatch(path.name):
            name = "STSBenchmark" if match[1].lower() == "stsb" else "SICK-R"
            split = match[2].lower()
            key, part = (name, "dev" if split in ("valid", "trial") else split), ""
        else:
            continue
        parts = found.setdefault(key, {})
        if part in parts:
            reason = f"both '{parts[part]}' and '{path}' are {part or 'the ' + key[1] + ' split'} of {key[0]}. Keep one of them."
            raise DataError(reason, path=root)
        parts[part] = path
    return {key: tuple(parts.values()) for key, parts in found.items()}


def _senteval_files(downstream: Path) -> Files:
    found: Files = {}
    for name, subtasks in _SUBTASKS.items():
        place = downstream / "STS" / f"{name}-en-test"
        if place.is_dir():  # a sub-task that is missing in it is an error of reading: without it the set is another one
            found[name, "test"] = tuple(place / f"STS.input.{subtask}.txt" for subtask in subtasks)
    return found | {key: (downstream / name,) for key, name in _SENTEVAL.items() if (downstream / name).is_file()}


def _read(path: Path) -> ScoredPairs:
    if path.name.startswith("STS.input."):
        return _read_input(path)
    if path.suffix == ".csv":
        return _pairs(path, ((line, cells[5], cells[6], cells[4]) for line, cells in tab_rows(path, 7, may_be_wider=True)))
    if path.suffix == ".txt":
        return _pairs(path, ((line, cells[1], cells[2], cells[3]) for line, cells in tab_rows(path, 5, has_header=True)))
    pairs = read_scored_pairs(path)
    year = _YEAR.fullmatch(path.name)
    return pairs if year is None or pairs.subsets else replace(pairs, subsets=(year[2],) * len(pairs))


def _read_input(path: Path) -> ScoredPairs:
    gold_path = path.with_name(path.name.replace("input", "gs", 1))
    rows = list(tab_rows(path, 2, keep_blank=True))
    golds = [gold for _, gold in read_lines(gold_path, keep_blank=True)]
    if len(golds) != len(rows):
        reason = f"there are {len(golds)} gold scores here and {len(rows)} pairs in {path.name}"
        raise DataError(
            f"{reason}. Each pair needs one line, which is empty where the pair was not scored.",
            path=gold_path,
            line=min(len(golds), len(rows)) + 1,
        )
    scored = ((line, cells[0], cells[1], gold) for (line, cells), gold in zip(rows, golds, strict=True) if gold.strip())
    pairs = _pairs(path, scored, gold_path)
    return replace(pairs, subsets=(path.name.removeprefix("STS.input.").removesuffix(".txt"),) * len(pairs))


def _pairs(path: Path, rows: Iterable[tuple[int, str, str, str]], gold_path: Path | None = None) -> ScoredPairs:
    first: list[str] = []
    second: list[str] = []
    scores: list[float] = []
    for line, one, other, gold in rows:
        first.append(sentence(one, path, line))
        second.append(sentence(other, path, line))
        if not is_number(gold) or not math.isfinite(float(gold)):
            reason = f"the score is '{gold[:40]}', and a finite number is needed, such as 1 or 3.5."
            raise DataError(reason, path=gold_path or path, line=line)
        scores.append(float(gold))
    return ScoredPairs(first, second, np.asarray(scores, dtype=np.float64))
