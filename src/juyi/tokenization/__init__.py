"""Texts to ids: sub-words, words, masking, padding. No torch."""

from juyi.tokenization.lines import Lines, lines_by_tokens, spread
from juyi.tokenization.masking import Masked, mask_tokens
from juyi.tokenization.padding import chunks_by_rows, chunks_by_tokens, pad
from juyi.tokenization.repetition import repeat_tokens, repeat_tokens_as_released
from juyi.tokenization.sentence_config import SENTENCE_CONFIGS, read_sentence_config
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds, Tokenizer, prompt_length
from juyi.tokenization.vocabulary import train_unigram, train_wordpiece
from juyi.tokenization.whole_words import piece_words, row_words
from juyi.tokenization.words import WordTokenizer, load_tokenizer

__all__ = [
    "SENTENCE_CONFIGS",
    "Lines",
    "Masked",
    "SpecialTokens",
    "SubwordTokenizer",
    "TokenIds",
    "Tokenizer",
    "WordTokenizer",
    "chunks_by_rows",
    "chunks_by_tokens",
    "lines_by_tokens",
    "load_tokenizer",
    "mask_tokens",
    "pad",
    "piece_words",
    "prompt_length",
    "read_sentence_config",
    "repeat_tokens",
    "repeat_tokens_as_released",
    "row_words",
    "spread",
    "train_unigram",
    "train_wordpiece",
]
