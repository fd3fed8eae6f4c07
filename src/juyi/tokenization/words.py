"""Word-level tokenization with jieba, as WoBERT and RoFormer do it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from juyi.errors import ModelError, UsageError
from juyi.tokenization.chinese import load_jieba
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds

MANIFEST = "juyi_words.json"


class WordTokenizer:
    """jieba's words (`HMM=False`) where the vocabulary has them, else what the sub-word tokenizer makes of the word.

    jieba's version and the user dictionary are saved with the model: another dictionary cuts other words and gives other vectors.

    Args:
        subword: Cuts the words that are not in the vocabulary and owns the special tokens.
        user_dictionary: Lines in jieba's form, "word frequency tag", the last two optional; added to a private dictionary, not to
            jieba's global one.

    Raises:
        MissingExtraError: jieba is not installed.
        ModelError: The sub-word tokenizer has no [CLS] or no [SEP].
        UsageError: A line of the user dictionary is empty or has more than three parts.

    Source:
        ZhuiyiTechnology/WoBERT; bert4keras `Tokenizer(pre_tokenize=…)`: lower case and no accents, then words.
    """

    def __init__(self, subword: SubwordTokenizer, user_dictionary: Sequence[str] = ()) -> None:
        jieba = load_jieba("Word-level tokenization of Chinese")
        self.subword = subword
        self._first, self._last = subword.special.frame("Word-level tokenization of Chinese")
        self.user_dictionary = tuple(user_dictionary)
        self.jieba_version = str(jieba.__version__)
        self._cutter: Any = jieba.Tokenizer() if user_dictionary else jieba
        for line in self.user_dictionary:
            self._cutter.add_word(*_dictionary_entry(line))

    @classmethod
    def load(cls, folder: Path) -> WordTokenizer:
        """Read what `save` wrote.

        Raises:
            ModelError: The installed jieba is another version than the model was made with, or the manifest is damaged.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            made_with, dictionary = str(manifest["jieba"]), list(manifest["user_dictionary"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{folder / MANIFEST} cannot be used: {error}. The model folder is damaged.") from error
        tokenizer = cls(SubwordTokenizer.load(folder), dictionary)
        if tokenizer.jieba_version != made_with:
            raise ModelError(
                f"{folder} was made with jieba {manifest['jieba']}, here is {tokenizer.jieba_version}, whose dictionary may cut "
                f"other words and give other vectors. Run: pip install 'jieba=={manifest['jieba']}'"
            )
        return tokenizer

    @property
    def special(self) -> SpecialTokens:
        """The ids of the special tokens."""
        return self.subword.special

    @property
    def size(self) -> int:
        """Tokens in the vocabulary."""
        return self.subword.size

    def tokenize(self, texts: Sequence[str], max_length: int | None = None) -> list[TokenIds]:
        """The ids of each text with [CLS] and [SEP]; cut to `max_length` ids in all where it is given."""
        cut = [self.cut(text) for text in texts]
        missing = sorted({word for words in cut for word in words if self.subword.token_id(word) is None})
        pieces = dict(zip(missing, self.subword.pieces(missing), strict=True))
        rows = []
        for words in cut:
            body = [i for word in words for i in pieces.get(word) or self._known(word)]
            rows.append([self._first, *self._cut(body, max_length), self._last])
        return rows

    def cut(self, text: str) -> list[str]:
        """The words of a text as it is read: in lower case, without accents."""
        return list(self._cutter.lcut(_plain(text), HMM=False))

    def save(self, folder: Path) -> None:
        """Write the sub-word tokenizer and the manifest that says how words are cut."""
        self.subword.save(folder)
        manifest = {"jieba": self.jieba_version, "hmm": False, "user_dictionary": list(self.user_dictionary)}
        (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def _cut(self, body: TokenIds, max_length: int | None) -> TokenIds:
        if max_length is None or len(body) <= max_length - 2:
            return body
        room = max(0, max_length - 2)
        return body[len(body) - room :] if self.subword.truncation_side == "left" else body[:room]

    def _known(self, word: str) -> TokenIds:
        token_id = self.subword.token_id(word)
        return [] if token_id is None else [token_id]  # None: white space, which the sub-word tokenizer drops


def _dictionary_entry(line: str) -> tuple[str, int | None]:
    parts = line.split()
    if not 1 <= len(parts) <= 3:
        raise UsageError(f"A line of the user dictionary is {line!r}; it must be a word, or a word with a frequency and a tag.")
    frequency = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else None  # jieba chooses one that keeps the word whole
    return _plain(parts[0]), frequency


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


def load_tokenizer(folder: Path) -> SubwordTokenizer | WordTokenizer:
    """The tokenizer of a folder, word-level where its manifest says so.

    Raises:
        ModelError: There is none, or it cannot give the ids that the model was trained with.
    """
    if (folder / MANIFEST).is_file():
        return WordTokenizer.load(folder)
    return SubwordTokenizer.load(folder)
