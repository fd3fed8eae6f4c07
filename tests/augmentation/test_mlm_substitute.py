"""What a masked language model puts in: the chosen share, what it predicts, never a special token."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.augmentation import MaskedLMSubstitute
from juyi.augmentation.drawing import share_of
from juyi.augmentation.masked_predictor import _pick, open_predictor
from juyi.errors import ModelError, UsageError
from juyi.tokenization import SubwordTokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_tokenizer: SubwordTokenizer) -> Path:
    """A tiny random BertForMaskedLM, three special tokens of which are what it would predict everywhere."""
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=small_tokenizer.size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=40,
        pad_token_id=small_tokenizer.special.pad,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        model = BertForMaskedLM(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
        special = small_tokenizer.special
        assert special.mask is not None
        model.cls.predictions.bias[[special.mask, special.sep, special.unknown]] = 100.0
    place = tmp_path_factory.mktemp("masked")
    model.save_pretrained(place)
    small_tokenizer.save(place)
    return place


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    from transformers import BertForMaskedLM

    return BertForMaskedLM.from_pretrained(folder).eval()


def ids_of(text: str, tokenizer: SubwordTokenizer) -> list[int]:
    return tokenizer.tokenize([text])[0]


def is_word(token: str) -> bool:
    return bool(re.search(r"\w", token)) and token not in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def best_by_hand(model: Any, tokenizer: SubwordTokenizer, ids: list[int], places: list[int]) -> list[int]:
    """One row alone, a loop over the vocabulary: the best word token of the same sort that is another one."""
    names = {i: token for token, i in tokenizer.backend.get_vocab().items()}
    masked = [tokenizer.special.mask if place in places else token for place, token in enumerate(ids)]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([masked])).logits[0]
    chosen = []
    for place in places:
        allowed = [
            i
            for i in names
            if is_word(names[i]) and i != ids[place] and names[i].startswith("##") == names[ids[place]].startswith("##")
        ]
        chosen.append(max(allowed, key=lambda i: float(logits[place, i])))
    return chosen


@pytest.mark.parametrize("rate", [0.15, 0.4, 1.0])
def test_the_chosen_share_is_replaced_by_what_the_model_predicts(
    folder: Path, model: Any, small_tokenizer: SubwordTokenizer, sentences: list[str], rate: float
) -> None:
    names = {i: token for token, i in small_tokenizer.backend.get_vocab().items()}
    predictor = open_predictor(str(folder))
    texts = sentences[:40]
    made = MaskedLMSubstitute(model=str(folder), rate=rate, batch_size=7)(texts, np.random.default_rng(1))
    for text, new in zip(texts, made, strict=True):
        row = predictor.read([text])[0]
        assert row.ids == ids_of(text, small_tokenizer)[: len(row.ids)]
        words = [place for place, i in enumerate(row.ids) if is_word(names[i])]
        assert row.places == words
        # The chosen places cannot be seen from outside; the text says which they are: walk along its tokens.
        for places in found_places(text, new, row.spans, words, share_of(rate, len(words))):
            if rebuilt(text, row.spans, places, best_by_hand(model, small_tokenizer, row.ids, places), names) == new:
                break
        else:
            pytest.fail(f"{text!r} became {new!r}")


def found_places(text: str, new: str, spans: list[tuple[int, int]], words: list[int], count: int) -> list[list[int]]:
    """Sets of `count` token places after whose removal what is left of the text stands in the new one, in order."""
    from itertools import combinations, islice

    def fits(places: tuple[int, ...]) -> bool:
        edges = [0, *(edge for place in places for edge in spans[place]), len(text)]
        kept = [re.escape(text[start:stop]) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        return re.fullmatch("(?:.+)".join(kept), new) is not None

    return [list(places) for places in islice(filter(fits, combinations(words, count)), 300)]


def rebuilt(text: str, spans: list[tuple[int, int]], places: list[int], ids: list[int], names: dict[int, str]) -> str:
    parts, end = [], 0
    for place, token in zip(places, ids, strict=True):
        start, stop = spans[place]
        parts += [text[end:start], names[token].removeprefix("##")]
        end = stop
    return "".join(parts) + text[end:]


def test_special_tokens_never_appear_and_every_row_changes(folder: Path, sentences: list[str]) -> None:
    for top in (1, 5):
        made = MaskedLMSubstitute(model=str(folder), rate=0.5, top=top)(sentences, np.random.default_rng(2))
        assert not re.search(r"\[(MASK|SEP|UNK|CLS|PAD)\]|##", "".join(made))
        assert all(new != old for new, old in zip(made, sentences, strict=True))


def test_batches_and_the_company_of_other_texts_change_nothing(folder: Path, sentences: list[str]) -> None:
    made = [MaskedLMSubstitute(model=str(folder), batch_size=size)(sentences, np.random.default_rng(3)) for size in (1, 5, 1000)]
    assert made[0] == made[1] == made[2]


def test_sampling_follows_the_softmax(folder: Path, model: Any, small_tokenizer: SubwordTokenizer) -> None:
    text = "信用卡"
    made = Counter(MaskedLMSubstitute(model=str(folder), top=4)([text] * 6000, np.random.default_rng(4)))
    # One of three tokens is hidden; compare the words put in the first place with the softmax over the four best.
    first = {new.removesuffix("用卡"): times for new, times in made.items() if new.endswith("用卡")}
    ids = ids_of(text, small_tokenizer)
    names = {i: token for token, i in small_tokenizer.backend.get_vocab().items()}
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[ids[0], small_tokenizer.special.mask, *ids[2:]]])).logits[0, 1]
    allowed = [i for i in names if is_word(names[i]) and i != ids[1] and not names[i].startswith("##")]
    best = sorted(allowed, key=lambda i: -float(logits[i]))[:4]
    shares = torch.softmax(logits[best].double(), 0).tolist()
    total = sum(first.values())
    assert abs(total - 2000) < 200
    for i, share in zip(best, shares, strict=True):
        assert abs(first.get(names[i], 0) / total - share) < 0.04


def test_pick_takes_the_part_in_which_the_fate_falls() -> None:
    values = np.log([[0.5, 0.3, 0.2]]).repeat(6, axis=0)
    assert _pick(values, np.array([0.0, 0.49, 0.51, 0.79, 0.81, 0.999999])).tolist() == [0, 0, 1, 1, 2, 2]
    assert _pick(np.array([[0.0, -np.inf]]), np.array([1 - 1e-16])).tolist() == [0]


def test_torchs_random_numbers_are_left_alone(folder: Path, sentences: list[str]) -> None:
    open_predictor.__globals__["_load"].cache_clear()
    before = torch.random.get_rng_state()
    MaskedLMSubstitute(model=str(folder), top=3)(sentences[:5], np.random.default_rng(0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_beyond_the_longest_input_nothing_changes(folder: Path) -> None:
    text = "今天天气很好" * 20
    (made,) = MaskedLMSubstitute(model=str(folder), rate=1.0)([text], np.random.default_rng(0))
    assert made.endswith(text[38:])
    assert all(new != old for new, old in zip(made[:38], text[:38], strict=False))


def test_edges(folder: Path) -> None:
    augmentation = MaskedLMSubstitute(model=str(folder))
    assert augmentation(["……", "？", ""], np.random.default_rng(0)) == ["……", "？", ""]
    assert augmentation([], np.random.default_rng(0)) == []
    assert MaskedLMSubstitute(model=str(folder), rate=0.0)(["今天"], np.random.default_rng(0)) == ["今天"]
    (new,) = augmentation(["今"], np.random.default_rng(0))
    assert new != "今"


def test_what_cannot_be_used_is_refused(folder: Path, stand_in: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Which masked language model"):
        MaskedLMSubstitute()
    for wrong in ({"rate": 1.2}, {"top": 0}, {"batch_size": 0}):
        with pytest.raises(UsageError):
            MaskedLMSubstitute(model=str(folder), **wrong)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    with pytest.raises(ModelError, match="is no masked language model"):
        MaskedLMSubstitute(model=str(stand_in("bert")))(["今天"], rng)
    with pytest.raises(ModelError, match="is no masked language model"):
        MaskedLMSubstitute(model="mini")(["今天"], rng)
    with pytest.raises(ModelError):
        MaskedLMSubstitute(model=str(tmp_path))(["今天"], rng)
