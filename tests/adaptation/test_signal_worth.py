"""What a run without labels says: the hint, what it was worth, and what is no evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juyi.adaptation import Adaptation, verdict
from juyi.adaptation.signal_worth import AGREEMENT, EncoderGain, SignalStudy, SignalWorth, signal_study
from juyi.evaluation import Signals

HINT = SignalWorth((0.7, 0.6, 0.8), (97.0, 93.0, 100.0), (1.5, 0.5, 2.5), 1, 24)
EMPTY = SignalWorth((0.1, -0.3, 0.5), (55.0, 30.0, 80.0), (-2.0, -5.0, 1.0), 9, 24)
NAMES = ("alignment", "uniformity", "anisotropy", "effective rank")


def study(agreement: SignalWorth = HINT, **others: SignalWorth) -> SignalStudy:
    named = {name.replace("_", " "): worth for name, worth in others.items()}
    encoders = {"mini": EncoderGain(-0.2, 0.5), "mini-base": EncoderGain(6.0, 8.0)}
    return SignalStudy(8, 456, 2.6, {**dict.fromkeys(NAMES, EMPTY), AGREEMENT: agreement, **named}, encoders)


def said(monkeypatch: pytest.MonkeyPatch, known: SignalStudy, **agreements: float | None) -> str:
    monkeypatch.setattr(verdict, "signal_study", lambda: known)
    plain = Signals(0.2, -2.0, 0.4, 200.0, 0.1, 500)
    signals = {name: replace(plain, agreement=agreement) for name, agreement in agreements.items()}
    return verdict.verdict_of(Adaptation("mini", "", "quick", {}, signals=signals, other_encoder="mini-base"))


def test_the_candidate_that_agrees_most_is_a_hint_with_its_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(monkeypatch, study(), raw=0.41, whitened=0.47, simcse=0.44)
    assert "whitened is nearer to mini-base" in words and "(0.470, 0.410)" in words
    assert "97 % of the cases (93 to 100)" in words and "+1.5 points (+0.5 to +2.5)" in words and "+2.6" in words
    assert "2 encoders changed in 456 ways on 8 sets" in words and "mini -0.2 of +0.5, mini-base +6.0 of +8.0;" in words
    assert "1 of 24 were certainly worse" in words and "nothing is claimed" in words and "no proof" in words


@pytest.mark.parametrize("best", [0.41, 0.3, None])
def test_where_none_agrees_more_the_hint_is_to_leave_it(monkeypatch: pytest.MonkeyPatch, best: float | None) -> None:
    words = said(monkeypatch, study(), raw=0.41, whitened=best)
    assert "nothing to gain" in words and "(0.410)" in words and "whitened" not in words


LOST = {
    "nothing": EMPTY,
    "it may be a coin": replace(HINT, told_apart=(90.0, 50.0, 100.0)),
    "less of it is better": replace(HINT, correlation=(-0.7, -0.8, -0.6)),
}


@pytest.mark.parametrize("worth", LOST.values(), ids=LOST)
def test_a_signal_that_was_not_certain_gives_no_hint(monkeypatch: pytest.MonkeyPatch, worth: SignalWorth) -> None:
    words = said(monkeypatch, study(worth), raw=0.41, whitened=0.47)
    assert "hint" not in words and "nothing is claimed" in words and "pairs_to_label.csv" in words


def test_encoders_that_tell_nothing_apart_give_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hint" not in said(monkeypatch, study(), raw=None, whitened=0.47)


def test_what_is_no_better_than_a_coin_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "better: alignment, uniformity, mean cosine, eff. rank;" in said(monkeypatch, study(), raw=0.4)
    assert "better: alignment, uniformity, mean cosine, eff. rank, agreement;" in said(monkeypatch, study(EMPTY), raw=0.4)
    words = said(monkeypatch, study(uniformity=HINT, effective_rank=HINT), raw=0.4)
    assert "better: alignment, mean cosine;" in words
    assert "No evidence" not in said(monkeypatch, study(**{name.replace(" ", "_"): HINT for name in NAMES}), raw=0.4)


def test_the_study_that_ships_names_what_the_verdict_asks_for() -> None:
    shipped = signal_study()
    assert {AGREEMENT, *NAMES} <= shipped.signal.keys()
    for worth in shipped.signal.values():
        for low, high, (value, least, most) in (
            (-1, 1, worth.correlation),
            (0, 100, worth.told_apart),
            (-100, 100, worth.gain),
        ):
            assert low <= least <= value <= most <= high
        assert 0 <= worth.worse <= worth.choices
