"""`juyi reproduce` and `juyi report`, on a small table and on mistakes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

TABLE = """
[[column]]
name = "STS-B"
suite = "zh-sts"
task = "STS-B"
[[variant]]
name = "raw"
[[variant]]
name = "whitened"
whitening = 0.5
[protocol]
texts = "other-splits"
[[row]]
name = "cls"
encoder = "{encoder}"
pooling = "cls"
figures = [[50, nan]]
[[row]]
name = "GloVe"
figures = [[50, 50]]
"""


@pytest.fixture
def small(stand_in, table_head: str, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for split, texts in (("dev", sentences[:30]), ("test", sentences[30:])):
        lines = [f"{a}\t{b}\t{len({*a} & {*b}) % 5}" for a, b in zip(texts[::2], texts[1::2], strict=False)]
        Path(f"stsb.{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("small.toml").write_text(table_head + TABLE.format(encoder=stand_in("bert")), encoding="utf-8")
    return "small.toml"


def test_a_table_is_run_and_made_a_page_of(run, small: str) -> None:
    done = run("reproduce", small, "--data", ".", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "under other conditions: 1, nothing published: 1, not run: 2" in done.stdout
    assert "whitened − raw" in done.stdout
    assert "GloVe: the table reports it; no recipe here runs it" in done.stdout
    assert "0 of 1 experiments are done" in done.stderr
    again = run("reproduce", small, "--data", ".", "-o", "out", "--format", "jsonl")
    assert "1 of 1 experiments are done" in again.stderr
    first = again.records[0]
    assert (first["row"], first["variant"], first["verdict"]) == ("cls", "raw", "other conditions")
    rows = [*csv.DictReader(io.StringIO(run("reproduce", small, "--data", ".", "-o", "out", "--format", "csv").stdout))]
    assert float(rows[0]["low"]) < float(rows[0]["value"]) < float(rows[0]["high"])
    assert run("report", "out", "-o", "page.html").returncode == 0
    assert "<title>Small</title>" in Path("page.html").read_text(encoding="utf-8")
    for page in ("page.md", "page.MD", "page.markdown"):
        assert run("report", "out", "-o", page).returncode == 0
        assert Path(page).read_text(encoding="utf-8").startswith("# Small")
    assert run("report", "out", "small.toml", "--format", "markdown").stdout.count("whitened") > 2


MISTAKES = {
    "no data": (["-o", "out"], 2, "--data"),
    "a cell that is not there": (["--data", ".", "-o", "out", "--cell", "P9:*"], 2, "No cell is P9:*"),
    "a folder that is none": (["--data", ".", "-o", "out", "--folder", "a=b"], 2, "'a=b' is not ID=PATH"),
    "an encoder that is none": (["--data", ".", "-o", "out", "--encoder", "no/such/model"], 1, "no folder no/such/model"),
    "an output that is a file": (["--data", ".", "-o", "small.toml"], 2, "small.toml"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_before_the_work(name: str, run, small: str) -> None:
    arguments, code, words = MISTAKES[name]
    done = run("reproduce", small, *arguments)
    assert done.returncode == code
    assert words in " ".join(done.stderr.split())
    assert not Path("out/cells").exists()


def test_an_experiment_that_fails_is_an_exit_code(run, small: str) -> None:
    text = Path(small).read_text(encoding="utf-8")
    Path("bad.toml").write_text(text.replace('pooling = "cls"', 'pooling = "clss"'), encoding="utf-8")
    done = run("reproduce", "bad.toml", "--data", ".", "-o", "out")
    assert done.returncode == 1
    assert "Problem: cls: STS-B: " in done.stderr and "clss" in done.stderr
    assert "not run: 4" in done.stdout


def test_nothing_measured_is_an_exit_code_too(run, small: str) -> None:
    Path("empty").mkdir()
    done = run("reproduce", small, "--data", "empty", "-o", "out")
    assert done.returncode == 1
    assert "Problem: nothing could be measured" in done.stderr and "not run: 4" in done.stdout


@pytest.mark.parametrize("name", ["small.toml", "out/table.json", "out/notes.txt", "page.txt"])
def test_a_page_replaces_nothing_that_it_is_made_from(name: str, run, small: str) -> None:
    assert run("reproduce", small, "--data", ".", "-o", "out").returncode == 0
    Path("out/notes.txt").write_text("mine", encoding="utf-8")
    before = Path(name).read_bytes() if Path(name).exists() else b""
    form = () if name == "page.txt" else ("--format", "html")
    done = run("report", "out", small, "-o", name, *form)
    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert (Path(name).read_bytes() if Path(name).exists() else b"") == before


def test_a_page_of_nothing(run, small: str) -> None:
    done = run("report", "nowhere", "-o", "page.html")
    assert done.returncode == 2
    assert "There is no nowhere" in done.stderr
    Path("damaged.json").write_text(json.dumps({"outcomes": []}), encoding="utf-8")
    assert run("report", "damaged.json", "-o", "page.html").returncode == 1
    assert not Path("page.html").exists()
