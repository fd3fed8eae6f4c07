"""Portfolios: what the shipped one declares, and how mistakes in one's own are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.adaptation import load_portfolio, portfolio_names
from juyi.adaptation.portfolio import CandidateTraining
from juyi.adaptation.training import batch_of, step_counts
from juyi.errors import UsageError

RAW = '[[encoder]]\nname = "raw"\n'
MISTAKES = {
    "no encoder": ("encoder = []", "The first [[encoder]] must be 'raw'"),
    "raw is not the first": ('[[encoder]]\nname = "simcse"\n' + RAW, "The first [[encoder]] must be 'raw'"),
    "raw is trained": (RAW + "[encoder.training]\n", "The first [[encoder]] must be 'raw'"),
    "twice": (RAW * 2, "'raw' is there twice"),
    "the same treatment twice": (
        RAW + "treatments = [{ overlap = 0.2 }, { overlap = 0.2 }]",
        "'raw + overlap 0.2' is there twice",
    ),
    "overlap": (RAW + "treatments = [{ overlap = 1.0 }]", "overlap is 1.0; it must be at least 0 and below 1"),
    "whitening": (RAW + "treatments = [{ whitening = 2.0 }]", "whitening is 2.0; it lies from 0"),
    "a misspelt key": (RAW + "treatments = [{ whitning = 0.5 }]", "Did you mean 'encoder.treatments.whitening'"),
    "a rate": (RAW + '[[encoder]]\nname = "a"\n[encoder.training]\nrate_narrow = 0.0', "rate_narrow is 0.0"),
    "a linear rate": (RAW + '[[encoder]]\nname = "a"\n[encoder.linear]\nrate = 0.0', "linear.rate is 0.0"),
    "a linear map that would be forgotten": (
        RAW + '[[encoder]]\nname = "a"\n[encoder.linear]\n[encoder.training]\nobjective = { kind = "esimcse" }',
        "'a' has a linear map, which learns from labels",
    ),
    "no TOML": ("[[encoder", "is not valid TOML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_with_the_file(name: str, tmp_path: Path) -> None:
    text, words = MISTAKES[name]
    path = tmp_path / "own.toml"
    path.write_text(f'name = "own"\n{text}\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_portfolio(str(path))
    assert words in str(caught.value) and "own.toml" in str(caught.value)


def test_names_are_proposed() -> None:
    with pytest.raises(UsageError, match=r"Did you mean default\?"):
        load_portfolio("defaut")


@pytest.mark.parametrize("name", portfolio_names())
def test_what_ships_tries_what_it_should(name: str) -> None:
    found = load_portfolio(name)
    assert found.name == name and found.about and all(each.about for each in found.encoder)
    assert any(each.linear and not each.training for each in found.encoder)


def test_the_usual_one_tries_every_kind() -> None:
    found = load_portfolio()
    trained = [each for each in found.encoder if each.training is not None]
    kinds = {each.training.objective.kind for each in trained if each.training and each.training.objective}
    assert kinds == {"simcse-unsupervised", "esimcse"}
    assert any(each.training and each.training.masked_lm for each in trained)
    assert any(each.learns_labels and each.linear for each in trained)
    strengths = {treatment.whitening for each in found.encoder for treatment in each.treatments}
    assert {None, 0.0, 1.0} <= strengths and any(0 < strength < 1 for strength in strengths if strength is not None)


def test_steps_are_halved_down_to_the_fewest() -> None:
    training = CandidateTraining(passes=3, fewest_steps=20, most_rows=6_000)
    assert step_counts(training, 1_000, 64) == [47, 23]
    assert step_counts(training, 100_000, 64) == [94, 47, 23]
    assert step_counts(training, 40, 16) == [20]


def test_batches_are_no_larger_than_what_may_meet_in_them() -> None:
    assert [batch_of(rows) for rows in (5_000, 512, 511, 256, 100, 1)] == [64, 64, 32, 32, 16, 2]
    assert batch_of(5_000, groups=10) == 5
    assert batch_of(5_000, groups=2) == 2
