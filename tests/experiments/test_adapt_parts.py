"""The parts of the main job: which sentences, which settings, which signals, which words."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import EncoderSettings, dropout_views, load_encoder
from juyi.errors import DataError, UsageError
from juyi.evaluation import AHEAD, BEHIND, EVEN, Comparison, Signals, adaptation_verdict, label_free_signals
from juyi.experiments.defaults import default_recipe, tells_apart
from juyi.experiments.examples import read_examples, select_sentences
from juyi.experiments.recipe import DataSettings
from juyi.metrics import Difference
from juyi.objectives import SimCSEUnsupervised
from juyi.types import Interval, Score

TEXTS = [f"第{i}个问题是怎么回事" for i in range(60)]


def test_distinct_ignores_case_width_and_punctuation_and_keeps_the_first() -> None:
    texts = ["你好", "您好", "你好！", "ＡＢＣ", "abc"]
    assert select_sentences(texts, DataSettings(distinct=True)) == ["你好", "您好", "ＡＢＣ"]
    assert select_sentences(texts, DataSettings(distinct=False)) == texts


def test_the_sample_is_drawn_by_the_seed_without_repeats() -> None:
    first = select_sentences(TEXTS, DataSettings(sample=20, seed=1))
    assert first == select_sentences(TEXTS, DataSettings(sample=20, seed=1))
    assert first != select_sentences(TEXTS, DataSettings(sample=20, seed=2))
    assert len(set(first)) == 20
    assert len(select_sentences(TEXTS, DataSettings(sample=1000))) == 60


def test_no_file_is_said() -> None:
    with pytest.raises(DataError, match="--texts"):
        read_examples(SimCSEUnsupervised(), DataSettings())


@pytest.mark.parametrize(("count", "batch"), [(50, 16), (400, 32), (5000, 64), (90_000, 64)])
def test_defaults_fit_the_amount(count: int, batch: int) -> None:
    recipe = default_recipe(count, 320)
    assert recipe.training.batch_size == batch
    assert recipe.training.steps >= 100
    assert recipe.training.steps * batch <= max(10_000, 100 * batch)
    assert default_recipe(count, 768).training.learning_rate < recipe.training.learning_rate


def test_an_encoder_that_tells_sentences_apart_is_treated_gently() -> None:
    questions = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts
    mini, masked = load_encoder("mini"), load_encoder("mini-base")
    assert tells_apart(mini.encode, questions)
    for some in (questions[:100], questions[:200], questions[500:]):
        assert not tells_apart(masked.encode, some)
    # Around a common mean, however far off, nothing changes; with its variance on few directions, an encoder tells little apart.
    vectors = mini.encode(questions[:200])
    few = np.linalg.svd(vectors - vectors.mean(axis=0))[2][:20]
    assert tells_apart(lambda texts: vectors + 9, questions)
    assert not tells_apart(lambda texts: vectors @ few.T, questions)
    with pytest.raises(UsageError, match="All 200 rows"):
        tells_apart(lambda texts: np.ones((len(texts), 3), np.float32), questions)
    strong, gentle = default_recipe(5000, 320), default_recipe(5000, 320, gentle=True)
    assert gentle.training.learning_rate < strong.training.learning_rate
    assert (gentle.encoder.hidden_dropout, strong.encoder.hidden_dropout) == (0.1, 0.3)


def test_signals_see_a_collapse_and_missing_dropout() -> None:
    encoder = load_encoder(EncoderSettings(hidden_dropout=0.1, attention_dropout=0.1))
    vectors = encoder.encode(TEXTS)
    found = label_free_signals(vectors, dropout_views(encoder, TEXTS))
    assert found.alignment is not None
    assert found.alignment > 0
    assert found == label_free_signals(vectors, dropout_views(encoder, TEXTS))
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = np.mean([unit[i] @ unit[j] for i in range(60) for j in range(60) if i != j])
    assert found.anisotropy == pytest.approx(cosine, abs=1e-5)
    assert dropout_views(load_encoder(EncoderSettings(hidden_dropout=0.0, attention_dropout=0.0)), TEXTS) is None
    assert label_free_signals(vectors).alignment is None


def comparisons(value: float, low: float, high: float, standing: str) -> dict[str, Comparison]:
    first, second = (Score("pairs", "given", "spearman", each, 300, units=120) for each in (50.0, 50.0 + value))
    each = Comparison(first, second, Difference(value, Interval(low, high)), standing, 4)
    return dict.fromkeys(("simcse-raw", "simcse-whitening"), each)


SIGNALS = {name: Signals(0.1, -2.0, 0.2, 50.0, 0.1, 60) for name in ("raw", "simcse")}


@pytest.mark.parametrize(
    ("difference", "standing", "words"),
    [
        ((3.0, 1.0, 5.0), AHEAD, "beats"),
        ((-3.0, -5.0, -1.0), BEHIND, "is worse than"),
        ((1.0, -1.0, 3.0), EVEN, "cannot be told apart"),
        ((3.0, 0.1, 5.9), EVEN, "cannot be told apart"),  # certain alone, and not among four
    ],
)
def test_the_verdict_follows_the_corrected_standing(difference: tuple[float, float, float], standing: str, words: str) -> None:
    compared = comparisons(*difference, standing)
    text = adaptation_verdict({"simcse": compared["simcse-raw"].second}, compared, SIGNALS)
    assert words in text
    assert f"{difference[0]:+.1f} points, 95 % interval {difference[1]:+.1f} to {difference[2]:+.1f}" in text
    assert "on 300 pairs in 120 groups" in text and "120 groups of pairs are few" in text
    assert "corrected for 4 comparisons" in text


def test_without_labels_the_verdict_claims_nothing_and_sees_a_collapse() -> None:
    assert "nothing is claimed" in adaptation_verdict({}, {}, SIGNALS)
    ill = {**SIGNALS, "simcse": Signals(0.0, -0.1, 0.99, 2.0, 0.9, 60)}
    assert "collapsed" in adaptation_verdict({}, {}, ill)
