"""A masked language model that says what could stand in a place of a text. torch is imported when one is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import models

from juyi.errors import ModelError
from juyi.extras import quiet_transformers, require
from juyi.hub import resolve
from juyi.layout import max_positions, read_layout
from juyi.tokenization import SubwordTokenizer, TokenIds, load_tokenizer

_PURPOSE = "Substitution by a masked language model"
_UNUSED = re.compile(r"\[unused\d+\]|<unused\d+>")
_BEGINNINGS = ("Ġ", "▁")  # how byte-level BPE and sentencepiece write the space before a word
_NO, _BEGINS, _CONTINUES = 0, 1, 2


@dataclass(frozen=True)
class Row:
    """A text as the model reads it.

    Attributes:
        number: Which of the texts.
        ids: Its tokens, special ones included.
        places: Tokens that may be replaced.
        spans: For each token where its characters begin and end in the text.
    """

    number: int
    ids: TokenIds
    places: list[int]
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class Hidden:
    """A row with the tokens that are hidden, and for each a number from [0, 1) that decides between several predictions."""

    row: Row
    places: list[int]
    fate: NDArray[np.float64]

    def filled(self, text: str, words: Sequence[str]) -> str:
        """The text with a word in each of the hidden places."""
        for place, word in zip(reversed(self.places), reversed(words), strict=True):  # from the end: spans before it stay true
            start, stop = self.row.spans[place]
            text = text[:start] + word + text[stop:]
        return text


class MaskedPredictor:
    """A masked language model and its tokenizer.

    Args:
        model: What transformers' AutoModelForMaskedLM loads, in eval mode.
        tokenizer: With a mask token.
        max_length: Longest input in tokens.
    """

    def __init__(self, model: Any, tokenizer: SubwordTokenizer, max_length: int) -> None:
        self._model = model
        self._mask: Any = tokenizer.special.mask
        self._pad = tokenizer.special.pad
        self._backend = tokenizer.backend
        self._backend.enable_truncation(max_length)
        self._written, self._sorts = _vocabulary(tokenizer)

    def read(self, texts: Sequence[str]) -> list[Row]:
        """The texts in tokens, as far as the model can read them."""
        rows = []
        for number, (text, encoding) in enumerate(zip(texts, self._backend.encode_batch(list(texts)), strict=True)):
            spans = [_trimmed(text, start, stop) for start, stop in encoding.offsets]
            ids = encoding.ids
            places = [place for place, (start, stop) in enumerate(spans) if start < stop and self._sorts[ids[place]] != _NO]
            rows.append(Row(number, ids, places, spans))
        return rows

    def predict(self, batch: Sequence[Hidden], *, top: int) -> list[list[str]]:
        """What stands in each hidden place of each row instead.

        Args:
            batch: Rows to run at once.
            top: Draw among so many of the best predictions.
        """
        torch: Any = require("torch", extra="train", purpose=_PURPOSE)
        ids, mask = self._padded(batch)
        rows = np.repeat(np.arange(len(batch)), [len(each.places) for each in batch])
        places = np.concatenate([each.places for each in batch])
        before = ids[rows, places]
        ids[rows, places] = self._mask
        device = self._model.device
        with torch.inference_mode():
            given = {"input_ids": torch.from_numpy(ids).to(device), "attention_mask": torch.from_numpy(mask).to(device)}
            logits = self._model(**given).logits[rows, places, : len(self._sorts)].float()
            sorts = torch.from_numpy(self._sorts).to(device)
            was = torch.from_numpy(before).to(device)
            logits = logits.masked_fill(sorts != sorts[was, None], -torch.inf).scatter(1, was[:, None], -torch.inf)
            values, candidates = logits.topk(min(top, logits.shape[1]))
        fate = np.concatenate([each.fate for each in batch])
        chosen = candidates.cpu().numpy()[np.arange(len(rows)), _pick(values.double().cpu().numpy(), fate)]
        words = iter(chosen.tolist())
        return [[self._written[next(words)] for _ in each.places] for each in batch]

    def _padded(self, batch: Sequence[Hidden]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        longest = max(len(each.row.ids) for each in batch)
        ids = np.full((len(batch), longest), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, each in enumerate(batch):
            ids[row, : len(each.row.ids)] = each.row.ids
            mask[row, : len(each.row.ids)] = 1
        return ids, mask


def _pick(values: NDArray[np.float64], fate: NDArray[np.float64]) -> NDArray[np.intp]:
    """The column of each row in whose part of the softmax its fate falls; values are sorted downwards, at least one is finite."""
    steps = np.exp(values - values[:, :1]).cumsum(axis=1)
    return np.asarray((steps <= fate[:, None] * steps[:, -1:]).sum(axis=1))


def _trimmed(text: str, start: int, stop: int) -> tuple[int, int]:
    """The span without the white space before it, which some tokenizers count to the token."""
    while start < stop and text[start].isspace():
        start += 1
    return start, stop


def _vocabulary(tokenizer: SubwordTokenizer) -> tuple[list[str], NDArray[np.int64]]:
    """For each token how it is written in a text, and whether it begins or continues a word, or is never touched."""
    backend = tokenizer.backend
    written, sorts = [], np.zeros(tokenizer.size, dtype=np.int64)
    prefix = backend.model.continuing_subword_prefix if isinstance(backend.model, models.WordPiece) else None
    added = {token_id for token_id, token in backend.get_added_tokens_decoder().items() if token.special}
    for token_id in range(tokenizer.size):
        token = backend.id_to_token(token_id) or ""
        text = token.removeprefix(prefix) if prefix else backend.decode([token_id], skip_special_tokens=False).strip()
        written.append(text)
        if token_id in added | tokenizer.special.ids or _UNUSED.fullmatch(token) or "\ufffd" in text:
            continue  # U+FFFD: a token that is a part of a character
        if any(map(str.isalnum, text)):
            continues = token.startswith(prefix) if prefix else not token.startswith(_BEGINNINGS)
            sorts[token_id] = _CONTINUES if continues else _BEGINS
    for sort in (_BEGINS, _CONTINUES):
        if (sorts == sort).sum() < 2:
            sorts[sorts == sort] = _NO  # there is no other to put in its place
    return written, sorts


def open_predictor(model: str) -> MaskedPredictor:
    """Load a masked language model, once.

    Raises:
        ModelError: It cannot be loaded, has no output layer or no mask token, or cuts text into jieba's words.
        MissingExtraError: torch or transformers is not installed.
    """
    return _load(resolve(model))


@lru_cache(maxsize=1)
def _load(folder: Path) -> MaskedPredictor:
    torch: Any = require("torch", extra="train", purpose=_PURPOSE)
    transformers: Any = require("transformers", extra="train", purpose=_PURPOSE)
    root = folder / read_layout(folder).backbone
    tokenizer = load_tokenizer(root)
    if not isinstance(tokenizer, SubwordTokenizer):
        raise ModelError(f"{root} cuts text into jieba's words, and mlm-substitute replaces sub-words. Take a BERT, for example.")
    if tokenizer.special.mask is None:
        raise ModelError(f"The tokenizer of {root} has no mask token, so this is no masked language model. Take one, a BERT say.")
    try:
        # What the folder lacks is drawn at random before it is refused; the caller's random numbers are not to be used up by it.
        with quiet_transformers(), torch.random.fork_rng():
            loaded, report = transformers.AutoModelForMaskedLM.from_pretrained(
                root, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
            )
    except Exception as error:  # transformers raises whatever the first wrong value leads to
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{root} cannot be loaded as a masked language model: {reason}") from error
    if missing := sorted(report["missing_keys"]):
        what = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise ModelError(
            f"{root} is no masked language model: it lacks {what}. An encoder has no output layer; "
            "take the model that it was made from, google-bert/bert-base-chinese for example."
        )
    if tokenizer.size > loaded.config.vocab_size:
        raise ModelError(f"{root}: the tokenizer has {tokenizer.size} tokens, the model only {loaded.config.vocab_size}.")
    longest = max_positions(loaded.config.to_dict()) or 512
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return MaskedPredictor(loaded.eval().to(device), tokenizer, longest)
