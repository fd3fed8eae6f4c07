"""Pairs are put into bands by their longer side, and each band is measured beside the other encoders."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import length_study


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """100 pairs of at most 10 characters, 120 of 11 to 20, and 5 longer ones; the score is the share of equal characters."""
    rng, lines = np.random.default_rng(0), []
    for count, longest in ((100, 10), (120, 20), (5, 90)):
        for _ in range(count):
            long = "".join(rng.choice(list("天地玄黄宇宙洪荒日月盈昃辰宿列张"), longest))
            short = long[: int(rng.integers(1, longest + 1))]
            lines.append("\t".join([*rng.permutation([long, short]).tolist(), f"{len(short) / longest:.3f}"]))
    path = tmp_path / "some.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_bands_by_the_longer_side(pairs: Path) -> None:
    bands = list(length_study.bands(pairs))
    assert [(band.name, band.split, len(band)) for band in bands] == [("some", "1 to 10", 100), ("some", "11 to 20", 120)]
    for band, longest in zip(bands, (10, 20), strict=True):
        for first, second, score in zip(band.pairs.first, band.pairs.second, band.pairs.scores, strict=True):
            assert max(len(first), len(second)) == longest
            assert min(len(first), len(second)) / longest == pytest.approx(score, abs=1e-3)


def test_figures_and_differences(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    length_study.main(["--pairs", str(pairs), "--model", "lexical", "--beside", "mini"])
    out, err = capsys.readouterr()
    assert {json.loads(line)["split"] for line in out.splitlines()} >= {"1 to 10", "11 to 20"}
    cells = [line.split(" | ") for line in err.splitlines() if line.startswith("| some")]
    assert len(cells) == 2
    for row in cells:
        lexical, mini, difference = row[3], row[4], row[5]
        assert float(difference.split(" ")[0]) == pytest.approx(float(mini) - float(lexical), abs=0.11)


def test_too_few_pairs(tmp_path: Path) -> None:
    (tmp_path / "few.tsv").write_text("今天\t明天\t1\n你好\t您好\t0\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="No band of lengths has 100 pairs"):
        length_study.main(["--pairs", str(tmp_path / "few.tsv")])
