"""What a figure says, in half a sentence, for those who meet it for the first time."""

from __future__ import annotations

from juyi.language import translated as _


def explanation(metric: str) -> str:
    """What a metric measures and which way is better; empty for one that is not known here."""
    return {
        "mrr@10": _("1 over the rank of the first right text among ten, on average; more is better"),
        "recall@1": _("the share of the queries whose first text is right; more is better"),
        "recall@5": _("the share of the right texts that are among the first five; more is better"),
        "recall@10": _("the share of the right texts that are among the first ten; more is better"),
        "ndcg@10": _("how near the top the right texts are among ten; more is better"),
        "accuracy": _("the share of the queries that get the right intent; more is better"),
        "auroc": _("how often a query with an intent is more similar to its nearest than one without; 50 is chance"),
        "average-precision": _("how much of what is ranked high is right, over all thresholds; more is better"),
        "spearman": _("how well the order of the similarities is that of the scores; 0 is chance, 100 the same order"),
        "alignment": _("how far two dropout views of a sentence lie apart; less is steadier"),
        "uniformity": _("how evenly the vectors are spread; less is more even"),
        "mean cosine": _("of two different sentences; 0 is even, a high one only says that the scale is narrow"),
        "agreement": _("how far it finds the same sentences alike as another encoder does; 1 is the same order"),
        "eff. rank": _("how many directions carry the vectors; very few are a collapse"),
    }.get(metric, "")
