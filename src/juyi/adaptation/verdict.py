"""The decision in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from juyi.adaptation.adaptation import WORD_OVERLAP, Adaptation
from juyi.adaptation.choice import Choice, smallest_gain, units_needed
from juyi.adaptation.portfolio import RAW
from juyi.adaptation.signal_worth import AGREEMENT, CHANCE, SignalStudy, SignalWorth, signal_study
from juyi.calibration import Calibration, Event
from juyi.language import language
from juyi.language import translated as _
from juyi.metrics import Difference

_MOST_UNITS = 1_000_000
_MOVED = 0.02


def verdict_of(result: Adaptation) -> str:
    """What was found and what to do, in a few sentences; without labels nothing is claimed, a hint is given."""
    if result.choice is None:
        return _without_labels(result)
    choice = result.choice
    sentences = [_decision(choice), _power(result, choice), _overlap(result)]
    return _between().join(sentence for sentence in sentences if sentence)


def moved_scales(result: Adaptation, replaced: Mapping[Event, Calibration]) -> list[str]:
    """That a similarity means something else than with the raw encoder, or with the model that is replaced, where it does.

    Args:
        result: With its calibrations.
        replaced: Those of the model that lay where the new one goes.
    """
    after = {each.event: each for each in result.calibrations.get(result.recommended, [])}
    raw = {each.event: each for each in result.calibrations.get(RAW, [])}
    compared = {_("the raw encoder"): raw, _("the model that was here before"): replaced}
    return [
        _moved(name, before[event], now)
        for name, before in compared.items()
        for event, now in after.items()
        if event in before and abs(now.similarity(0.5) - before[event].similarity(0.5)) >= _MOVED
    ]


def _moved(name: str, before: Calibration, now: Calibration) -> str:
    events: dict[Event, str] = {
        "hit": _("that the best hit answers a query"),
        "pair": _("that two sentences mean the same"),
        "intent": _("that the nearest query has the right intent"),
    }
    return _(
        "The scale moved: {event} is as likely as not at a similarity of {after:.2f}, with {name} at {before:.2f}. Thresholds "
        "that were set for it do not hold; set probabilities instead."
    ).format(event=events[now.event], after=now.similarity(0.5), name=name, before=before.similarity(0.5))


def _decision(choice: Choice) -> str:
    if choice.gain is None:
        return _("Keep the raw encoder: nearly all labels hang together, so that nothing can be said of how sure a gain is.")
    gain = _gain(choice.gain)
    if choice.recommended != RAW:
        return _(
            "Take {candidate}: {gain} over the raw encoder. The gain is that of choosing among all candidates, measured on "
            "labels that took no part in choosing or learning."
        ).format(candidate=choice.recommended, gain=gain)
    if choice.winner == RAW:
        return _("Keep the raw encoder: none of the candidates scores higher.")
    if choice.certain:
        kept = _("Keep the raw encoder: {candidate} gains {gain}, but is certainly worse on one kind of labels.")
    else:
        kept = _("Keep the raw encoder: {candidate} scores highest, but its gain is not certain ({gain}).")
    return kept.format(candidate=choice.winner, gain=gain)


def _power(result: Adaptation, choice: Choice) -> str:
    if choice.gain is None or choice.recommended != RAW or choice.winner == RAW:
        return ""
    kinds = {
        "pairs": _("scored pairs"),
        "label sheet": _("labelled pairs"),
        "groups": _("groups of questions"),
        "clicks": _("queries with what was taken"),
        "queries": _("queries with what answers them"),
        "intents": _("queries with their intents"),
    }
    kind = _(" or ").join(kinds[table.evidence] for table in result.tables)
    needed = units_needed(choice.gain, result.units)
    if needed is not None and result.units < needed < _MOST_UNITS:
        return _(
            "With about {needed:,} independent {kind} instead of {units:,.0f} a gain of this size would be certain four times in "
            "five."
        ).format(needed=needed, kind=kind, units=result.units)
    shown = _("{units:,.0f} independent {kind} show a gain of {gain:.1f} points four times in five.")
    return shown.format(units=result.units, kind=kind, gain=smallest_gain(choice.gain))


def _overlap(result: Adaptation) -> str:
    """Word overlap where it is as good or better: then no model is needed."""
    for table in result.tables:
        best, overlap = table.figures[result.recommended][0], table.figures[WORD_OVERLAP][0]
        difference = best.difference(overlap)
        if difference is not None and difference.interval.low <= 0:
            better = difference.interval.high < 0
            standing = _("word overlap is better") if better else _("the difference is not certain")
            return _(
                "Word overlap alone, without any model, is at {overlap:.1f} ({metric}) and what is recommended at {value:.1f}: "
                "{standing} ({gain})."
            ).format(
                overlap=overlap.score.value,
                metric=table.metric,
                value=best.score.value,
                standing=standing,
                gain=_gain(difference),
            )
    return ""


def _without_labels(result: Adaptation) -> str:
    kept = _("Without enough labels nothing is claimed and the raw encoder is kept.")
    label = _(
        "Label the pairs of pairs_to_label.csv (0 to 5, half an hour; juyi label walks through them) and run the same command "
        "again; or give what you have anyway: groups of questions with one answer (--groups), queries with what was taken "
        "(--clicks), queries with their intents (--intents)."
    )
    sentences = [kept, _hint(result), _no_evidence(), label]
    return _between().join(sentence for sentence in sentences if sentence)


def _hint(result: Adaptation) -> str:
    """Which candidate agrees most with another encoder, and what such a hint was worth where labels could be asked."""
    study = signal_study()
    worth = study.signal[AGREEMENT]
    known = {name: signals.agreement for name, signals in result.signals.items() if signals.agreement is not None}
    if not worth.tells or RAW not in known:
        return ""
    best = max(known, key=lambda name: known[name])
    if best != RAW:
        found = _(
            "A hint and no proof: in which sentences it finds alike, {candidate} is nearer to {other} than the raw encoder is "
            "({after:.3f}, {before:.3f})."
        ).format(candidate=best, other=result.other_encoder, after=known[best], before=known[RAW])
    else:
        found = _(
            "A hint that there is nothing to gain: in which sentences it finds alike, no candidate is nearer to {other} than the "
            "raw encoder is ({before:.3f})."
        ).format(other=result.other_encoder, before=known[RAW])
    return _between().join([found, _worth(study, worth)])


def _worth(study: SignalStudy, worth: SignalWorth) -> str:
    of = _("{encoder} {gain:+.1f} of {best:+.1f}")
    gains = [of.format(encoder=name, gain=each.gain, best=each.best) for name, each in study.encoder.items()]
    return _(
        "What such a hint was worth where labels could be asked ({encoders} encoders changed in {ways} ways on {sets} sets): of "
        "a change that certainly helped and one that certainly harmed it judged the first better in {told[0]:.0f} % of the cases "
        "({told[1]:.0f} to {told[2]:.0f}). Its choices gained {gain[0]:+.1f} points ({gain[1]:+.1f} to {gain[2]:+.1f}) of the "
        "{best:+.1f} that there were: {of_each}; {worse} of {choices} were certainly worse."
    ).format(
        encoders=len(study.encoder),
        ways=study.ways,
        sets=study.sets,
        told=worth.told_apart,
        gain=worth.gain,
        best=study.best,
        of_each=_listed(gains),
        worse=worth.worse,
        choices=worth.choices,
    )


def _no_evidence() -> str:
    """The figures of the table that told help from harm no better than a coin, as far as was measured."""
    study = signal_study()
    named = {
        "alignment": "alignment",
        "uniformity": "uniformity",
        "mean cosine": "anisotropy",
        "eff. rank": "effective rank",
        "agreement": AGREEMENT,
    }
    empty = [shown for shown, name in named.items() if study.signal[name].told_apart[1] <= CHANCE]
    if not empty:
        return ""
    return _("No evidence of which is better: {names}; there they told help from harm no better than a coin.").format(
        names=_listed(empty)
    )


def _listed(words: Sequence[str]) -> str:
    return ("、" if language() == "zh" else ", ").join(words)


def _gain(gain: Difference) -> str:
    interval = gain.interval
    return _("{value:+.1f} points, {level:.0f} % interval {low:+.1f} to {high:+.1f}").format(
        value=gain.value, level=100 * interval.level, low=interval.low, high=interval.high
    )


def _between() -> str:
    """What parts two sentences."""
    return "" if language() == "zh" else " "
