"""Figures that judge embeddings: pure functions on numpy arrays."""

from __future__ import annotations

from juyi.metrics.bootstrap import Difference, paired_difference, resample_counts, scaled_interval, spearman_interval
from juyi.metrics.correlation import pearson, spearman
from juyi.metrics.geometry import alignment, anisotropy, cosine_rows, effective_rank, singular_values, uniformity
from juyi.metrics.inputs import finite_matrix, finite_vector, unit_rows

__all__ = [
    "Difference",
    "alignment",
    "anisotropy",
    "cosine_rows",
    "effective_rank",
    "finite_matrix",
    "finite_vector",
    "paired_difference",
    "pearson",
    "resample_counts",
    "scaled_interval",
    "singular_values",
    "spearman",
    "spearman_interval",
    "uniformity",
    "unit_rows",
]
