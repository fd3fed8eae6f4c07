"""Measuring as a library: candidates, their figures, comparisons, verdicts, tables as values. Rendering is the command line's."""

from __future__ import annotations

from juyi.evaluation.candidates import LEXICAL, Candidate, open_candidate
from juyi.evaluation.compare import AHEAD, BEHIND, EVEN, Comparison, compare, compare_several, main_figures
from juyi.evaluation.evaluate import (
    ENCODING,
    Evaluation,
    evaluate_model,
    evaluate_overlap,
    evaluate_suite,
    open_suite_of,
    transductive,
)
