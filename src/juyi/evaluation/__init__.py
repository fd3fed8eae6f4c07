"""Measuring as a library: candidates, their figures, comparisons, verdicts, tables as values. Rendering is the command line's."""

from __future__ import annotations

from juyi.evaluation.candidates import LEXICAL, Candidate, agree_on_precision, open_candidate
from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison, compare_pairs, compare_scores, compare_several, main_figures
from juyi.evaluation.evaluate import ENCODING, TRANSDUCTIVE, Evaluation, evaluate_overlap, evaluate_suite, transductive
from juyi.evaluation.explanations import explanation
from juyi.evaluation.fitting import Fitting, FittingTexts, on_target, on_texts, open_fitting
from juyi.evaluation.fused_similarity import FusedSimilarity
from juyi.evaluation.models import compare, evaluate, evaluate_model, one_precision, open_suite_of
from juyi.evaluation.options import EncodeOptions, EvaluationOptions
from juyi.evaluation.score_tables import (
    comparison_rows,
    count_text,
    difference_text,
    flat_record,
    interval_text,
    markdown_table,
    score_rows,
    score_text,
    seed_rows,
    short_seed_row,
    task_text,
)
from juyi.evaluation.sentence_pairs import SentencePairs
from juyi.evaluation.signals import Signals, label_free_signals
from juyi.evaluation.verdict import comparison_verdict, units_note

__all__ = [
    "AHEAD",
    "BEHIND",
    "ENCODING",
    "EVEN",
    "LEXICAL",
    "TRANSDUCTIVE",
    "Candidate",
    "Comparison",
    "EncodeOptions",
    "Evaluation",
    "EvaluationOptions",
    "Fitting",
    "FittingTexts",
    "FusedSimilarity",
    "SentencePairs",
    "Signals",
    "agree_on_precision",
    "compare",
    "compare_pairs",
    "compare_scores",
    "compare_several",
    "comparison_rows",
    "comparison_verdict",
    "count_text",
    "difference_text",
    "evaluate",
    "evaluate_model",
    "evaluate_overlap",
    "evaluate_suite",
    "explanation",
    "flat_record",
    "interval_text",
    "label_free_signals",
    "main_figures",
    "markdown_table",
    "on_target",
    "on_texts",
    "one_precision",
    "open_candidate",
    "open_fitting",
    "open_suite_of",
    "score_rows",
    "score_text",
    "seed_rows",
    "short_seed_row",
    "task_text",
    "transductive",
    "units_note",
]
