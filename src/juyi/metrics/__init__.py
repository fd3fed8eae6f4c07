"""Figures that judge embeddings: pure functions on numpy arrays."""

from __future__ import annotations

from juyi.metrics.bootstrap import Bootstrap, Counts, Difference, Statistic, mean_statistic, resample_counts, spearman_statistic
from juyi.metrics.classification import BinaryRanking
from juyi.metrics.correlation import pearson, spearman
from juyi.metrics.geometry import (
    alignment,
    anisotropy,
    anisotropy_statistic,
    cosine_rows,
    effective_rank,
    singular_values,
    uniformity,
    uniformity_statistic,
)
from juyi.metrics.inputs import finite_matrix, finite_vector, unit_rows

__all__ = [
    "BinaryRanking",
    "Bootstrap",
    "Counts",
    "Difference",
    "Statistic",
    "alignment",
    "anisotropy",
    "anisotropy_statistic",
    "cosine_rows",
    "effective_rank",
    "finite_matrix",
    "finite_vector",
    "mean_statistic",
    "pearson",
    "resample_counts",
    "singular_values",
    "spearman",
    "spearman_statistic",
    "uniformity",
    "uniformity_statistic",
    "unit_rows",
]
