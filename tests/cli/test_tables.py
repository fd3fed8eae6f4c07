"""`juyi tables`: as a table in colour, as Markdown, and every figure for machines."""

from __future__ import annotations

import csv
import io
import json

from juyi.tables import table_names


def test_list_names_all_tables(run) -> None:
    done = run("tables", "list")
    assert done.returncode == 0
    assert all(name in done.stdout for name in table_names())
    records = json.loads(run("tables", "list", "--format", "json").stdout)
    assert {record["table"]: record["figures"] for record in records}["chinese-simcse"] == 450


def test_the_published_cells_stand_in_their_colours(run, monkeypatch) -> None:
    plain = run("tables", "show", "chinese-simcse").stdout
    assert "16.59 / 20.61 / 33.14▲" in plain
    assert plain.count("▲") - 1 == 102  # and once in the line that explains it
    assert plain.count("▼") - 1 == 48
    assert "kexue.fm 8348" in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    coloured = run("tables", "show", "chinese-simcse").stdout
    assert coloured.count("\x1b[32m") == 102
    assert coloured.count("\x1b[31m") == 48


def test_machines_get_every_figure_with_its_source(run) -> None:
    records = run("tables", "show", "chinese-simcse", "--format", "jsonl").records
    assert len(records) == 450
    assert records[0] | {"value": 16.59, "variant": "raw", "labels": ["transductive"]} == records[0]
    assert all(record["link"].startswith("https://") for record in records)
    rows = [*csv.DictReader(io.StringIO(run("tables", "show", "chinese-simcse", "--format", "csv").stdout))]
    assert [float(row["value"]) for row in rows] == [record["value"] for record in records]


def test_markdown(run) -> None:
    page = run("tables", "show", "simcse-dropout", "--format", "markdown").stdout
    assert "| 0.1 | 82.5 |" in page
    assert page.startswith("# How much dropout")


def test_a_study_says_what_it_will_run_and_what_is_said_about_it(run) -> None:
    page = run("tables", "show", "small-samples", "--format", "markdown").stdout
    assert "| mini-base, rate 1e-5 | mini-base | cls | simcse/chinese-bojone | training.learning_rate=1e-5" in page
    assert "Each row with sentences: 16, 32, 50, 100" in page and "Columns: STS-B dev, STS-B test" in page
    assert "The figure rises steeply up to 400 sentences" in page


def test_in_chinese(run, monkeypatch) -> None:
    monkeypatch.setenv("JUYI_LANGUAGE", "zh")
    page = run("tables", "show", "simcse-sts").stdout
    assert "来源" in page
    assert "全部句对一起排序" in page


def test_a_name_that_is_nearly_right(run) -> None:
    done = run("tables", "show", "simcse-drop")
    assert done.returncode == 2
    assert "Did you mean simcse-dropout?" in done.stderr
