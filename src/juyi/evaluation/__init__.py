"""Measuring as a library: candidates, their figures, comparisons, verdicts, tables as values. Rendering is the command line's."""

from __future__ import annotations

from juyi.evaluation.candidates import LEXICAL, Candidate, agree_on_precision, open_candidate
from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison, compare
from juyi.evaluation.evaluate import (
    ENCODING,
    Evaluation,
    evaluate_model,
    evaluate_overlap,
    evaluate_suite,
    one_precision,
    open_suite_of,
)
from juyi.evaluation.fitting import Fitting, FittingTexts, on_target, on_texts, open_fitting
from juyi.evaluation.options import EncodeOptions, EvaluationOptions
from juyi.evaluation.score_tables import comparison_rows, flat_record, score_rows, seed_rows, short_seed_row
from juyi.evaluation.signals import Signals, label_free_signals
from juyi.evaluation.verdict import adaptation_verdict, comparison_verdict

__all__ = [
    "AHEAD",
    "BEHIND",
    "ENCODING",
    "EVEN",
    "LEXICAL",
    "Candidate",
    "Comparison",
    "EncodeOptions",
    "Evaluation",
    "EvaluationOptions",
    "Fitting",
    "FittingTexts",
    "Signals",
    "adaptation_verdict",
    "agree_on_precision",
    "compare",
    "comparison_rows",
    "comparison_verdict",
    "evaluate_model",
    "evaluate_overlap",
    "evaluate_suite",
    "flat_record",
    "label_free_signals",
    "on_target",
    "on_texts",
    "one_precision",
    "open_candidate",
    "open_fitting",
    "open_suite_of",
    "score_rows",
    "seed_rows",
    "short_seed_row",
]
