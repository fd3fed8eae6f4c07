"""Sub-word tokenization through the `tokenizers` library: fast, and without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, normalizers

from juyi.errors import ModelError
from juyi.tokenization.classes import read_backend
from juyi.tokenization.folder_settings import FolderSettings, Side
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds

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
        truncation_side: Where a text that is too long is cut.

    Raises:
        ModelError: There is no token to pad with, neither [PAD] nor one that ends a text; or one of [CLS], [SEP], [PAD], [UNK]
            is not in the vocabulary of a WordPiece tokenizer, BERT's.
    """

    def __init__(
        self, backend: tokenizers.Tokenizer, names: dict[str, str] | None = None, *, truncation_side: Side = "right"
    ) -> None:
        self.backend = backend
        self.truncation_side: Side = truncation_side
        self.backend.no_padding()
        self.backend.no_truncation()
        self._special = _find_special(backend, names or {})
        self._before, self._after = _added_tokens(backend)

    @classmethod
    def load(cls, folder: Path) -> SubwordTokenizer:
        """Read what the folder holds as transformers does: `tokenizer.json`, or the vocabulary of an older folder.

        Raises:
            ModelError: The folder holds no tokenizer that juyi has, or what it holds is damaged.
        """
        backend, settings = read_backend(folder)
        if settings.lower_first:
            steps = [normalizers.Lowercase(), *([backend.normalizer] if backend.normalizer else [])]
            backend.normalizer = normalizers.Sequence(steps)
        backend.encode_special_tokens = bool(settings.values.get("split_special_tokens", False))
        names = {role: settings.token(role) for role, _ in _NAMES.values() if settings.values.get(role)}
        return cls(backend, names, truncation_side=_truncation_side(folder, settings, backend))

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
        after = len(row) - self._after
        room = max(0, max_length - self._before - self._after)
        if self.truncation_side == "left":
            return row[: self._before] + row[after - room :]
        return row[: self._before + room] + row[after:]

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and the `tokenizer_config.json` that transformers and others read."""
        self.backend.save(str(folder / "tokenizer.json"))
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],  # DistilBERT and ModernBERT refuse token_type_ids
        }
        if self.truncation_side == "left":
            config["truncation_side"] = "left"
        if self.backend.encode_special_tokens:  # tokenizer.json has no place for it
            config["split_special_tokens"] = True
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


def _truncation_side(folder: Path, settings: FolderSettings, backend: tokenizers.Tokenizer) -> Side:
    """What the folder says, else what the file of the tokenizer does by itself."""
    side = settings.values.get("truncation_side") or (backend.truncation or {}).get("direction") or "right"
    if side not in ("left", "right"):
        raise ModelError(f"{folder}: truncation_side is '{side}'; it must be left or right.")
    return "left" if side == "left" else "right"
