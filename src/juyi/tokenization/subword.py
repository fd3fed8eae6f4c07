"""Sub-word tokenization through the `tokenizers` library: fast, and without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from juyi.errors import ModelError
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds

_LOWER_FIRST = "juyi: lower-case first"
_NAMES = {
    "cls": ("cls_token", ("[CLS]", "<s>")),
    "sep": ("sep_token", ("[SEP]", "</s>")),
    "pad": ("pad_token", ("[PAD]", "<pad>")),
    "unknown": ("unk_token", ("[UNK]", "<unk>")),
    "mask": ("mask_token", ("[MASK]", "<mask>")),
    "bos": ("bos_token", ()),
    "eos": ("eos_token", ()),
}
_OF_WORDPIECE = ("cls", "sep", "pad", "unknown")


class SubwordTokenizer:
    """A `tokenizer.json` with its special tokens known by role.

    Args:
        backend: The tokenizer; its own padding and truncation are switched off for good: cutting is done here, so that threads
            with different limits do not disturb each other.
        names: Role ("cls_token", "pad_token", …) to token, where the folder states them.

    Raises:
        ModelError: There is no token to pad with, neither [PAD] nor one that ends a text; or one of [CLS], [SEP], [PAD], [UNK]
            is not in the vocabulary of a WordPiece tokenizer, BERT's.
    """

    def __init__(self, backend: tokenizers.Tokenizer, names: dict[str, str] | None = None) -> None:
        self.backend = backend
        self.backend.no_padding()
        self.backend.no_truncation()
        self._special = _find_special(backend, names or {})
        self._before, self._after = _added_tokens(backend)

    @classmethod
    def load(cls, folder: Path) -> SubwordTokenizer:
        """Read `tokenizer.json`, or the `vocab.txt` of an older BERT folder.

        Raises:
            ModelError: The folder holds neither, or what it holds is damaged.
        """
        config = _read_config(folder)
        if (folder / "tokenizer.json").is_file():
            backend = _from_json(folder / "tokenizer.json")
        elif (folder / "vocab.txt").is_file():
            backend = _from_vocabulary(folder / "vocab.txt", config)
        else:
            raise ModelError(
                f"{folder} holds no tokenizer: there is neither tokenizer.json nor vocab.txt. A sentencepiece model must be "
                "converted first: transformers.AutoTokenizer.from_pretrained(…).save_pretrained(…) writes tokenizer.json."
            )
        if config.get(_LOWER_FIRST):
            steps = [normalizers.Lowercase(), *([backend.normalizer] if backend.normalizer else [])]
            backend.normalizer = normalizers.Sequence(steps)
        names = {role: _token_text(config[role]) for role, _ in _NAMES.values() if config.get(role)}
        return cls(backend, names)

    @property
    def special(self) -> SpecialTokens:
        """The ids of the special tokens."""
        return self._special

    @property
    def size(self) -> int:
        """Tokens in the vocabulary, added ones included."""
        return self.backend.get_vocab_size(with_added_tokens=True)

    def fitted_to(self, size: int) -> SubwordTokenizer:
        """Itself; or, where a backbone has `size` token vectors, a copy without the special tokens that would have none.

        Gemma's tokenizer has a token for images that its text models lack. In a text it is read as its letters.
        """
        beyond = {i for i, token in self.backend.get_added_tokens_decoder().items() if i >= size and token.special}
        if self.size <= size or not beyond:
            return self
        content = json.loads(self.backend.to_str())
        content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] not in beyond]
        roles = {key: getattr(self._special, role) for role, (key, _) in _NAMES.items()}
        names = {key: token for key, i in roles.items() if i is not None and (token := self.backend.id_to_token(i))}
        return SubwordTokenizer(tokenizers.Tokenizer.from_str(json.dumps(content)), names)

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None where the vocabulary lacks it."""
        return self.backend.token_to_id(token)

    def tokenize(self, texts: Sequence[str], max_length: int | None = None) -> list[TokenIds]:
        """The ids of each text with [CLS] and [SEP]; cut to `max_length` ids in all where it is given."""
        rows = [encoding.ids for encoding in self.backend.encode_batch_fast(list(texts))]
        return rows if max_length is None else [self._cut(row, max_length) for row in rows]

    def pieces(self, texts: Sequence[str]) -> list[TokenIds]:
        """The ids of each text without special tokens, uncut."""
        return [encoding.ids for encoding in self.backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def _cut(self, row: TokenIds, max_length: int) -> TokenIds:
        """The row with as many of the text's tokens as fit between the special ones, which stay."""
        if len(row) <= max_length:
            return row
        end = max(self._before, max_length - self._after)
        return row[:end] + row[len(row) - self._after :]

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and the `tokenizer_config.json` that transformers and others read."""
        self.backend.save(str(folder / "tokenizer.json"))
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],  # DistilBERT and ModernBERT refuse token_type_ids
        }
        for role, (key, _) in _NAMES.items():
            token_id = getattr(self._special, role)
            if token_id is not None:
                config[key] = self.backend.id_to_token(token_id)
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _added_tokens(backend: tokenizers.Tokenizer) -> tuple[int, int]:
    """How many special tokens are put before and after a text."""
    mask = backend.encode("a").special_tokens_mask
    before = next((place for place, special in enumerate(mask) if not special), None)
    if before is None:  # nothing of the letter is left; where the specials stand cannot be seen, so the usual place is taken
        before = min(1, len(mask))
    return before, backend.num_special_tokens_to_add(False) - before


def _find_special(backend: tokenizers.Tokenizer, names: dict[str, str]) -> SpecialTokens:
    wordpiece = isinstance(backend.model, models.WordPiece)
    found: dict[str, int | None] = {}
    for role, (key, usual) in reversed(_NAMES.items()):
        candidates = ([names[key]] if key in names else []) + list(usual)
        found[role] = next((i for i in map(backend.token_to_id, candidates) if i is not None), None)
        if role == "pad" and found[role] is None and not wordpiece:
            found[role] = found["eos"]  # many decoders have no other: what is masked out may be anything
        if found[role] is None and role in (_OF_WORDPIECE if wordpiece else ("pad",)):
            raise ModelError(
                f"The tokenizer has no {key}: none of {', '.join(candidates)} is in its vocabulary. "
                "Name it in tokenizer_config.json."
            )
    return SpecialTokens(**found)  # type: ignore[arg-type]  # pad is there


def _read_config(folder: Path) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        merged |= _read_object(folder / name) if (folder / name).is_file() else {}
    for path in folder.glob("sentence_*_config.json"):  # sentence-transformers' own lower-casing, before the tokenizer's
        merged[_LOWER_FIRST] = bool(_read_object(path).get("do_lower_case"))
    return merged


def _read_object(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error


def _token_text(token: str | dict[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])


def _from_json(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error


def _from_vocabulary(path: Path, config: dict[str, Any]) -> tokenizers.Tokenizer:
    lines = path.read_text(encoding="utf-8").split("\n")
    vocabulary = {line.rstrip("\r"): index for index, line in enumerate(lines) if line or index < len(lines) - 1}
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    lower = bool(config.get("do_lower_case", True))
    backend.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=bool(config.get("tokenize_chinese_chars", True)),
        strip_accents=config.get("strip_accents"),
        lowercase=lower,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    special = [token for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if token in vocabulary]
    backend.add_special_tokens([AddedToken(token, special=True) for token in special])
    if "[CLS]" in vocabulary and "[SEP]" in vocabulary:  # their absence is reported with the other special tokens
        backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return backend
