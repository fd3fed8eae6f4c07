"""Which sentences a run takes, which settings it has where none are named, which signals need no labels."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import EncoderSettings, dropout_views, load_encoder
from juyi.errors import DataError, UsageError
from juyi.evaluation import label_free_signals
from juyi.experiments.defaults import default_recipe, tells_apart
from juyi.experiments.examples import read_examples, select_sentences
from juyi.experiments.recipe import DataSettings
from juyi.objectives import SimCSEUnsupervised

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
