"""The decision in words."""

from __future__ import annotations

from juyi.adaptation.adaptation import WORD_OVERLAP, Adaptation
from juyi.adaptation.choice import Choice, smallest_gain, units_needed
from juyi.adaptation.portfolio import RAW
from juyi.calibration import Event
from juyi.metrics import Difference

_MOST_UNITS = 1_000_000
_MOVED = 0.02
_EVENTS: dict[Event, str] = {
    "hit": "that the best hit answers a query is",
    "pair": "that two sentences mean the same is",
    "intent": "that the nearest query has the right intent is",
}
_KINDS = {
    "pairs": "scored pairs",
    "label sheet": "labelled pairs",
    "groups": "groups of questions",
    "clicks": "queries with what was taken",
    "queries": "queries with what answers them",
    "intents": "queries with their intents",
}


def verdict_of(result: Adaptation) -> str:
    """What was found and what to do, in a few sentences; without labels nothing is claimed."""
    if result.choice is None:
        return _without_labels(result)
    choice = result.choice
    sentences = [_decision(choice), _power(result, choice), _overlap(result)]
    return " ".join(sentence for sentence in sentences if sentence)


def moved_scales(result: Adaptation) -> list[str]:
    """That a similarity means something else than with the raw encoder, where it does."""
    before = {each.event: each.similarity(0.5) for each in result.calibrations.get(RAW, [])}
    after = {each.event: each.similarity(0.5) for each in result.calibrations.get(result.recommended, [])}
    return [
        f"The scale moved: {_EVENTS[event]} as likely as not at a similarity of {after[event]:.2f}, with the raw encoder at "
        f"{before[event]:.2f}. Thresholds that were set for it do not hold; set probabilities instead."
        for event in after
        if event in before and abs(after[event] - before[event]) >= _MOVED
    ]


def _decision(choice: Choice) -> str:
    if choice.gain is None:
        return "Keep the raw encoder: nearly all labels hang together, so that nothing can be said of how sure a gain is."
    gain = _gain(choice.gain)
    if choice.recommended != RAW:
        return (
            f"Take {choice.recommended}: {gain} over the raw encoder. The gain is that of choosing among all candidates, "
            "measured on labels that took no part in choosing or learning."
        )
    if choice.winner == RAW:
        return "Keep the raw encoder: none of the candidates scores higher."
    if choice.certain:
        return f"Keep the raw encoder: {choice.winner} gains {gain}, but is certainly worse on one kind of labels."
    return f"Keep the raw encoder: {choice.winner} scores highest, but its gain is not certain ({gain})."


def _power(result: Adaptation, choice: Choice) -> str:
    if choice.gain is None or choice.recommended != RAW or choice.winner == RAW:
        return ""
    kind = " or ".join(_KINDS[table.evidence] for table in result.tables)
    needed = units_needed(choice.gain, result.units)
    if needed is not None and result.units < needed < _MOST_UNITS:
        return (
            f"With about {needed:,} independent {kind} instead of {result.units:,.0f} a gain of this size would be certain four "
            "times in five."
        )
    return f"{result.units:,.0f} independent {kind} show a gain of {smallest_gain(choice.gain):.1f} points four times in five."


def _overlap(result: Adaptation) -> str:
    """Word overlap where it is as good or better: then no model is needed."""
    for table in result.tables:
        best, overlap = table.figures[result.recommended][0], table.figures[WORD_OVERLAP][0]
        difference = best.difference(overlap)
        if difference is not None and difference.interval.low <= 0:
            standing = "word overlap is better" if difference.interval.high < 0 else "the difference is not certain"
            return (
                f"Word overlap alone, without any model, is at {overlap.score.value:.1f} ({table.metric}) and what is "
                f"recommended at {best.score.value:.1f}: {standing} ({_gain(difference)})."
            )
    return ""


def _without_labels(result: Adaptation) -> str:
    return (
        "There are no labels, so nothing is claimed and the raw encoder is kept: no figure that needs no labels says which "
        "encoder is better. Label the 100 pairs of pairs_to_label.csv or .xlsx (0 to 5, half an hour; juyi label walks through "
        "them) and run the same command again; or give what you have anyway: groups of questions with one answer (--groups), "
        "queries with what was taken (--clicks), queries with their intents (--intents)."
    )


def _gain(gain: Difference) -> str:
    interval = gain.interval
    return f"{gain.value:+.1f} points, {100 * interval.level:.0f} % interval {interval.low:+.1f} to {interval.high:+.1f}"
