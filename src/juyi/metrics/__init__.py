"""Figures that judge embeddings: pure functions on numpy arrays."""

from __future__ import annotations

from juyi.embeddings import cosine_rows, finite_matrix, unit_rows
from juyi.metrics.bootstrap import (
    Bootstrap,
    Counts,
    Difference,
    Statistic,
    mean_interval,
    mean_statistic,
    resample_counts,
    spearman_statistic,
    weighted_statistic,
)
from juyi.metrics.classification import BinaryRanking
from juyi.metrics.correlation import pearson, spearman
from juyi.metrics.geometry import (
    alignment,
    anisotropy,
    anisotropy_statistic,
    effective_rank,
    participation_ratio,
    principal_plane,
    singular_values,
    uniformity,
    uniformity_statistic,
)
from juyi.metrics.inputs import finite_vector
from juyi.metrics.multiple_tests import holm
from juyi.metrics.platt import calibration_error, fit_platt
from juyi.metrics.ranking import ndcg, recall, reciprocal_rank, relevance
from juyi.metrics.units import Units, connected, joint_effective

__all__ = [
    "BinaryRanking",
    "Bootstrap",
    "Counts",
    "Difference",
    "Statistic",
    "Units",
    "alignment",
    "anisotropy",
    "anisotropy_statistic",
    "calibration_error",
    "connected",
    "cosine_rows",
    "effective_rank",
    "finite_matrix",
    "finite_vector",
    "fit_platt",
    "holm",
    "joint_effective",
    "mean_interval",
    "mean_statistic",
    "ndcg",
    "participation_ratio",
    "pearson",
    "principal_plane",
    "recall",
    "reciprocal_rank",
    "relevance",
    "resample_counts",
    "singular_values",
    "spearman",
    "spearman_statistic",
    "uniformity",
    "uniformity_statistic",
    "unit_rows",
    "weighted_statistic",
]
