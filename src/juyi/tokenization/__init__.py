"""Texts to ids: sub-words, words, masking, padding. No torch."""

from juyi.tokenization.masking import Masked, mask_tokens, wordpiece_groups
from juyi.tokenization.padding import chunks_by_rows, chunks_by_tokens, pad
from juyi.tokenization.repetition import repeat_tokens, repeat_tokens_as_released
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds, Tokenizer
from juyi.tokenization.vocabulary import train_unigram, train_wordpiece
from juyi.tokenization.words import WordTokenizer, load_tokenizer

__all__ = [
    "Masked",
    "SpecialTokens",
    "SubwordTokenizer",
    "TokenIds",
    "Tokenizer",
    "WordTokenizer",
    "chunks_by_rows",
    "chunks_by_tokens",
    "load_tokenizer",
    "mask_tokens",
    "pad",
    "repeat_tokens",
    "repeat_tokens_as_released",
    "train_unigram",
    "train_wordpiece",
    "wordpiece_groups",
]
