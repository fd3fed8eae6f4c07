"""Clusters that are there are found; all rows belong to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from juyi.experiments import clusters
from juyi.experiments.clusters import cluster


def groups(count: int, each: int, spread: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count, 16))
    labels = rng.permutation(np.repeat(np.arange(count), each))
    rows = centres[labels] + spread * rng.normal(size=(count * each, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16), labels


@pytest.mark.parametrize("sample", [200, 10_000])
def test_groups_far_apart_are_never_mixed(sample: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_SAMPLE", sample)
    monkeypatch.setattr(clusters, "_BLOCK", 37)
    rows, labels = groups(4, 120, 0.05)
    found = cluster(rows, 12, seed=1)  # more clusters than groups: each group may be several, but none lies in two groups
    assert found.shape == (480,) and set(found.tolist()) <= set(range(12))
    for number in set(found.tolist()):
        assert len(set(labels[found == number].tolist())) == 1
    np.testing.assert_array_equal(found, cluster(rows, 12, seed=1))


def test_every_row_is_nearest_to_its_own_centre_in_the_end() -> None:
    rows, _ = groups(6, 50, 0.8)
    found = cluster(rows, 6, seed=3)
    exact = rows.astype(np.float64)
    centres = np.stack([exact[found == number].sum(axis=0) for number in range(6)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    assert ((exact @ centres.T).argmax(axis=1) == found).mean() > 0.97  # k-means may not have come to rest


def test_more_clusters_than_rows() -> None:
    rows, _ = groups(2, 3, 0.1)
    assert len(cluster(rows, 50, seed=0)) == 6
