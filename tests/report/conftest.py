"""Something of each kind that a report is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from juyi.tables import load_table

EVIL = "</script><b onclick=alert(1)>“粗”&amp;"


def outcome(row: str, column: str, variant: str, value: float | None, **more: Any) -> dict[str, Any]:
    usual = {"published": None, "interval": None if value is None else [value - 1, value + 1], "verdict": "no figure"}
    usual |= {"seeds": {"1": value}, "count": 100, "units": 90, "labels": ["transductive"], "reason": "", "point": {}, "runs": []}
    return {"row": row, "base": row.partition(",")[0], "column": column, "variant": variant, "value": value, **usual, **more}


@pytest.fixture
def reproduced(tmp_path: Path) -> Path:
    """The output of `juyi reproduce`, with everything that there can be."""
    table = load_table("chinese-simcse").as_record()
    columns = ["STS-B", "alignment", "uniformity"]
    table |= {"columns": columns, "metrics": ["spearman", "alignment", "uniformity"], "axes": ["sample"], "rows": ["mini"]}
    outcomes = []
    for sample, value in ((50, 60.0), (800, 70.0)):
        row = {"row": f"mini, sample {sample}", "point": {"sample": sample}}
        outcomes.append(outcome(row["row"], "STS-B", "SimCSE", value, point=row["point"], published=60.5, verdict="reproduced"))
        outcomes.append(outcome(row["row"], "alignment", "SimCSE", 0.2 + value / 1000, point=row["point"]))
        outcomes.append(outcome(row["row"], "uniformity", "SimCSE", -value / 30, point=row["point"]))
    outcomes.append(outcome(EVIL, "STS-B", "raw", None, verdict="not run", reason="it is not here"))
    looks = {"name": "mini, SimCSE, seed 1", "run": "r", "steps": [10, 20], "dev": [60.0, 61.0]}
    looks |= {"alignment": [0.2, 0.25], "uniformity": [-2.0, -2.4]}
    difference = {"row": "mini", "column": "STS-B", "variant": "SimCSE", "against": "raw", "value": 2.0, "interval": [1.0, 3.0]}
    pair = {"first": ["mini", "STS-B", "SimCSE"], "second": ["mini", "STS-B", "raw"], "value": 2.0, "interval": [1.0, 3.0]}
    claim = {"words": {"en": f"It helps {EVIL}", "zh": "有用"}, "source": "somebody", "judgement": "agrees", "compared": [pair]}
    claims = [claim | {"for": 1, "against": 0, "open": 0}]
    record = {**table, "outcomes": outcomes, "differences": [difference], "claims": claims}
    record |= {"trajectories": [looks], "failures": {}}
    folder = tmp_path / "reproduced"
    folder.mkdir()
    (folder / "table.json").write_text(json.dumps(record | {"environment": {"juyi": "0", "packages": {"torch": "2"}}}), "utf-8")
    return folder


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    """The output of `juyi adapt`."""

    def score(name: str, metric: str, value: float) -> dict[str, Any]:
        return {
            "model": name,
            "metric": metric,
            "value": value,
            "interval": [value - 1, value + 1],
            "count": 9,
            "units": 8,
            "labels": [],
        }

    scores = {name: [score(name, "mrr@10", value)] for name, value in (("word overlap", 50.0), ("raw", 60.0), ("linear", 63.0))}
    below, above = {"value": -10.0, "interval": [-12.0, -8.0]}, {"value": 3.0, "interval": [1.0, 5.0]}
    evidence: dict[str, Any] = {"evidence": "groups", "metric": "mrr@10", "count": 9, "units": 8, "scores": scores}
    evidence["differences"] = {"linear-raw": above, "word overlap-raw": below}
    hits = [{"rank": 1, "text": EVIL, "score": 0.5}]
    searches = [
        {"query": "还款", "candidate": "raw", "probability": 0.3, "refused": True, "hits": hits},
        {"query": "还款", "candidate": "linear", "probability": 0.8, "refused": False, "hits": [*hits, hits[0]]},
    ]
    signals = {
        name: {"alignment": 0.2, "uniformity": -2.0, "anisotropy": 0.4, "effective_rank": 200.0, "agreement": agreement}
        for name, agreement in (("raw", 0.5), ("linear", None))
    }
    record = {
        "recommended": "linear",
        "verdict": "Take linear.",
        "notes": ["The scale moved."],
        "evidence": [evidence],
        "searches": searches,
        "signals": signals,
        "map": {"texts": ["一", EVIL], "places": {"raw": [[0.1, 0.2], [-0.3, 0.1]], "linear": [[0.0, 0.2], [0.3, 0.1]]}},
        "inspection": {"rows": 2, "characters": {"median": 10.5}},
        "environment": {"juyi": "0"},
    }
    folder = tmp_path / "adapted"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(record), "utf-8")
    return folder


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A run folder whose log is being written."""
    folder = tmp_path / "3f0a51c2d9e4"
    folder.mkdir()
    (folder / "recipe.toml").write_text('name = "zh/simcse"\nabout = "SimCSE."\n[training]\nseed = 1\n', "utf-8")
    records = [{"step": step, "loss": 3.0 / step, "dev": 60.0 + step, "note": "views differ"} for step in (1, 2, 3)]
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + '{"step": 4, "lo', "utf-8")
    score = {"task": "development", "split": "dev", "subset": "", "metric": "spearman", "value": 63.0, "interval": [60, 66]}
    (folder / "scores.jsonl").write_text(json.dumps(score) + "\n", "utf-8")
    return folder


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    """The scores of two encoders."""
    path = tmp_path / "scores.jsonl"
    score = {"task": "BQ", "split": "test", "subset": "", "metric": "spearman", "interval": [1.0, 2.0], "count": 9, "units": 8}
    lines = [json.dumps(score | {"model": model, "value": value}) for model, value in (("mini", 45.25), ("raw", 40.0))]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
