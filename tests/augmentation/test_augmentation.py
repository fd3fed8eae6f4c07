"""What holds for every augmentation: as many texts, none empty, all that is random from the generator."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Discriminator, TypeAdapter, ValidationError

from juyi.augmentation import (
    AnyAugmentation,
    Augmentation,
    Crop,
    DeleteOne,
    DeleteWords,
    NoAugmentation,
    RepeatWords,
    Synonyms,
)
from juyi.errors import UsageError

TABLE = Path(__file__).with_name("synonyms.tsv")
ALL: list[Augmentation] = [
    NoAugmentation(),
    Crop(),
    Crop(rate=0.5),
    DeleteWords(),
    DeleteWords(rate=0.95),
    DeleteOne(),
    RepeatWords(),
    RepeatWords(rate=1.0),
    Synonyms(table=str(TABLE)),
    Synonyms(table=str(TABLE), count=3),
]
NAMES = [str(augmentation) for augmentation in ALL]
WORDS = ["the", "cat", "sat", "happy", "don't", "今天", "天气", "高兴", "，", "。", " ", "(", ")", "😂", "U盘"]
TEXTS = st.lists(st.one_of(st.lists(st.sampled_from(WORDS), min_size=1).map("".join), st.text(min_size=1)), max_size=8)


@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
@settings(deadline=None, max_examples=60)
@given(texts=TEXTS, seed=st.integers(0, 1000))
def test_as_many_texts_none_of_them_empty_and_the_same_again(augmentation: Augmentation, texts: list[str], seed: int) -> None:
    made = augmentation(texts, np.random.default_rng(seed))
    assert len(made) == len(texts)
    assert all(new.strip() or not old.strip() for old, new in zip(texts, made, strict=True))
    assert made == augmentation(tuple(texts), np.random.default_rng(seed))


@pytest.mark.parametrize("augmentation", ALL[1:], ids=NAMES[1:])
def test_another_state_of_the_generator_draws_anew(augmentation: Augmentation, sentences: list[str]) -> None:
    rng = np.random.default_rng(3)
    first, second = augmentation(sentences, rng), augmentation(sentences, rng)
    assert first != second
    assert first != augmentation(sentences, np.random.default_rng(4))


@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
def test_nothing_global_is_drawn_from_or_changed(augmentation: Augmentation, sentences: list[str]) -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    kept = list(sentences)
    augmentation(sentences, np.random.default_rng(0))
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]
    assert sentences == kept


@pytest.mark.parametrize("text", ["……", "😂", " ", "?!"])
@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
def test_a_text_without_words_stays(augmentation: Augmentation, text: str) -> None:
    assert augmentation([text], np.random.default_rng(0)) == [text]


def test_kinds_choose_in_a_recipe() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[AnyAugmentation, Discriminator("kind")])
    assert adapter.validate_python({"kind": "crop", "rate": 0.2}) == Crop(rate=0.2)
    assert adapter.validate_python({"kind": "delete-one"}) == DeleteOne()
    kinds = [part.kind for part in typing.get_args(AnyAugmentation)]
    assert kinds == ["none", "crop", "delete-words", "delete-one", "repeat-words", "synonyms", "mlm-substitute"]
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "crops"})
    with pytest.raises(UsageError, match="rate of crop is 2"):
        adapter.validate_python({"kind": "crop", "rate": 2})
