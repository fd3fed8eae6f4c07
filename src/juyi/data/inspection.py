"""What a pile of sentences is like, before anything is trained on it, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from juyi.data.near_duplicates import find_near_duplicates
from juyi.data.normalisation import normalise
from juyi.errors import DataError, UsageError
from juyi.language import translated as _
from juyi.tokenization.chinese import HAN_CHARACTER

Tokenize = Callable[[Sequence[str]], Sequence[Sequence[int]]]

_EXAMPLES = 5
_UNKNOWN_CHARACTERS = 20
_BATCH = 1000


@dataclass(frozen=True)
class Lengths:
    """How long the texts are; `share_longer` is the share (0 to 1) of those longer than the maximum length asked about."""

    minimum: int
    median: float
    percentile_95: float
    maximum: int
    share_longer: float

    @classmethod
    def of(cls, values: ArrayLike, limit: int) -> Lengths:
        """The distribution of some lengths."""
        lengths = np.asarray(values)
        middle, high = np.percentile(lengths, [50, 95])
        return cls(int(lengths.min()), float(middle), float(high), int(lengths.max()), float((lengths > limit).mean()))


@dataclass(frozen=True)
class Inspection:
    """What a pile of sentences is like. Rates and shares are 0 to 1; what was not measured is None.

    - `exact_duplicates`: rows that repeat an earlier row character by character; `normalised_duplicates`: as `normalise` sees
      them.
    - `near_duplicate_rows`: rows with at least 90 % of their character 3-grams in common with a row that is not the same after
      `normalise`; a lower bound where `near_duplicates_complete` is False.
    - `unknown_rate`: unknown tokens over all tokens; `unknown_characters`: those that make them, with how often they occur.
    - `leaked_rows`: rows that are also in the other file, after `normalise`.
    """

    rows: int
    distinct_rows: int
    exact_duplicates: int
    normalised_duplicates: int
    near_duplicate_rows: int
    near_duplicate_examples: tuple[tuple[str, str], ...]
    near_duplicates_complete: bool
    max_length: int
    characters: Lengths
    tokens: Lengths | None
    unknown_rate: float | None
    unknown_characters: tuple[tuple[str, int], ...]
    without_chinese_rate: float
    leaked_rows: int | None
    leak_examples: tuple[str, ...]
    advice: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The machine-readable form, of plain dictionaries, lists, numbers and strings."""
        record = asdict(self)
        record["near_duplicate_examples"] = [list(pair) for pair in self.near_duplicate_examples]
        record["unknown_characters"] = [list(pair) for pair in self.unknown_characters]
        record["leak_examples"] = list(self.leak_examples)
        record["advice"] = list(self.advice)
        return record


def inspect(
    texts: Sequence[str],
    *,
    tokenize: Tokenize | None = None,
    unknown_id: int | None = None,
    against: Sequence[str] | None = None,
    max_length: int = 64,
) -> Inspection:
    """Repeats, lengths, unknown characters and leakage of a pile of sentences, with advice.

    Args:
        texts: The sentences.
        tokenize: Token ids of some texts, special tokens included and nothing cut off; for the token lengths.
        unknown_id: The id of the unknown token, where the tokenizer has one.
        against: Sentences that must not be among the texts: those of a test set.
        max_length: The number of tokens to which the encoder will cut.

    Raises:
        DataError: There are no texts.
        UsageError: `unknown_id` without `tokenize`.
    """
    if not texts:
        raise DataError("there are no sentences to inspect. Give at least one.")
    if unknown_id is not None and tokenize is None:
        raise UsageError("unknown_id is given without tokenize. Give both, or neither.")
    keys = [normalise(text) for text in texts]
    groups = Counter(keys)
    firsts = dict(zip(reversed(keys), reversed(texts), strict=True))
    distinct = list(groups)
    near = find_near_duplicates(distinct, examples=_EXAMPLES)
    tokens, unknown_rate, unknown = _token_facts(texts, tokenize, unknown_id, max_length)
    other = None if against is None else {normalise(text) for text in against}
    leaked = [] if other is None else [text for text, key in zip(texts, keys, strict=True) if key in other]
    facts = Inspection(
        rows=len(texts),
        distinct_rows=len(set(texts)),
        exact_duplicates=len(texts) - len(set(texts)),
        normalised_duplicates=len(texts) - len(groups),
        near_duplicate_rows=sum(groups[distinct[place]] for place in np.flatnonzero(near.has_one)),
        near_duplicate_examples=tuple((firsts[distinct[a]], firsts[distinct[b]]) for a, b in near.examples),
        near_duplicates_complete=near.is_complete,
        max_length=max_length,
        characters=Lengths.of([len(text) for text in texts], max_length),
        tokens=tokens,
        unknown_rate=unknown_rate,
        unknown_characters=unknown,
        without_chinese_rate=sum(HAN_CHARACTER.search(text) is None for text in texts) / len(texts),
        leaked_rows=None if other is None else len(leaked),
        leak_examples=tuple(dict.fromkeys(leaked))[:_EXAMPLES],
    )
    return replace(facts, advice=_advise(facts))


def _token_facts(
    texts: Sequence[str], tokenize: Tokenize | None, unknown_id: int | None, max_length: int
) -> tuple[Lengths | None, float | None, tuple[tuple[str, int], ...]]:
    if tokenize is None:
        return None, None, ()
    lengths: list[int] = []
    unknown = 0
    seen: Counter[str] = Counter()
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        for text, ids in zip(batch, tokenize(batch), strict=True):
            lengths.append(len(ids))
            found = 0 if unknown_id is None else list(ids).count(unknown_id)
            if found:
                unknown += found
                seen.update(text)
    if unknown_id is None:
        return Lengths.of(lengths, max_length), None, ()
    # An unknown token does not say which character made it: ask for each of the characters of those texts alone.
    characters = [character for character in seen if not character.isspace()]
    alone = tokenize(characters) if characters else []
    guilty = {character for character, ids in zip(characters, alone, strict=True) if unknown_id in ids}
    common = sorted(((character, seen[character]) for character in guilty), key=lambda pair: (-pair[1], pair[0]))
    return Lengths.of(lengths, max_length), unknown / max(sum(lengths), 1), tuple(common[:_UNKNOWN_CHARACTERS])


def _advise(facts: Inspection) -> tuple[str, ...]:
    """What to do, most important first."""
    return (*_advice_on_amount(facts), *_advice_on_repeats(facts), *_advice_on_characters(facts))


def _advice_on_amount(facts: Inspection) -> list[str]:
    different = facts.rows - facts.normalised_duplicates
    if different < 400:
        few = _(
            "Only {count} different sentences: expect little. In the small-sample study on Chinese STS-B the score rose steeply "
            "up to about 400 sentences and stayed flat after that. Collect at least 400."
        )
        return [few.format(count=different)]
    if different > 10_000:
        many = _(
            "{count} different sentences are more than one run needs: in the Chinese SimCSE experiments 10,000 sampled sentences "
            "for one epoch were best, and more sentences or more epochs brought nothing. Sample 10,000."
        )
        return [many.format(count=different)]
    return []


def _advice_on_repeats(facts: Inspection) -> list[str]:
    advice = []
    if facts.leaked_rows:
        leaked = _(
            "{count} rows ({share}) are also in the other file. Take them out, or call every score on that file transductive."
        )
        advice.append(leaked.format(count=facts.leaked_rows, share=_percent(facts.leaked_rows / facts.rows)))
    if facts.normalised_duplicates:
        repeated = _(
            "{count} rows ({share}) repeat an earlier one but for case, width, spaces and punctuation. Within a batch a repeat "
            "is a false negative with cosine 1: keep one of each."
        )
        share = _percent(facts.normalised_duplicates / facts.rows)
        advice.append(repeated.format(count=facts.normalised_duplicates, share=share))
    if facts.near_duplicate_rows >= 0.01 * facts.rows:
        near = _(
            "{least}{count} rows ({share}) are almost the same as another one. Within a batch they push each other apart: look "
            "at the examples, and keep one of each kind if they are templates."
        )
        least = "" if facts.near_duplicates_complete else _("At least ")
        share = _percent(facts.near_duplicate_rows / facts.rows)
        advice.append(near.format(least=least, count=facts.near_duplicate_rows, share=share))
    return advice


def _advice_on_characters(facts: Inspection) -> list[str]:
    advice = []
    if facts.unknown_rate is not None and facts.unknown_rate > 0.01:
        characters = " ".join(character for character, _ in facts.unknown_characters[:10])
        most = _(", most often for {characters}").format(characters=characters) if characters else ""
        unknown = _(
            "{share} of the tokens are unknown to this tokenizer{most}. Above 1 % the encoder is blind to too much: take one "
            "with another tokenizer, or convert the text (Traditional to Simplified, full width to half width)."
        )
        advice.append(unknown.format(share=_percent(facts.unknown_rate), most=most))
    if facts.tokens is not None and facts.tokens.share_longer > 0.05:
        long = _(
            "{share} of the sentences are longer than {most} tokens and would be cut. Raise the maximum length (95 % have at "
            "most {usual:.0f} tokens), or split the sentences."
        )
        share, usual = _percent(facts.tokens.share_longer), facts.tokens.percentile_95
        advice.append(long.format(share=share, most=facts.max_length, usual=usual))
    if facts.without_chinese_rate > 0.5:
        foreign = _(
            "{share} of the rows hold no Chinese character. If that is meant, take an English or multilingual encoder; if not, "
            "check the encoding and the columns."
        )
        advice.append(foreign.format(share=_percent(facts.without_chinese_rate)))
    return advice


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
