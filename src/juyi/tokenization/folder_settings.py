"""What the files beside the vocabulary say about a tokenizer, read as transformers 5 reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizers import AddedToken

from juyi.errors import ModelError
from juyi.tokenization.sentence_config import read_sentence_config

Side = Literal["left", "right"]

SPECIAL_KEYS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

GENERIC = "PreTrainedTokenizer"
"""The class that takes `tokenizer.json` as it is."""

_OF_KIND = {
    **dict.fromkeys(("bert", "distilbert", "electra", "ernie", "nezha", "convbert"), "BertTokenizer"),
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "albert": "AlbertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roformer": "RoFormerTokenizer",
}
"""The class for a kind of backbone where the folder states none; every other kind has the generic one."""

_GENERIC_IN_ANY_CASE = ("modernbert", "qwen2")
"""Kinds whose published folders state a wrong class, so that transformers does not look at it."""

_PYTHON = {
    **{"BertJapaneseTokenizer": "cuts Japanese words first, with MeCab", "CpmTokenizer": "cuts Chinese words first, with jieba"},
    **{"BertweetTokenizer": "rewrites tweets first", "RoCBertTokenizer": "adds shapes and sounds of characters"},
    **{"MecabTokenizer": "cuts Japanese words first", "ErnieMTokenizer": "cuts sentencepieces"},
    **dict.fromkeys(
        (
            *("BartphoTokenizer", "BertGenerationTokenizer", "BioGptTokenizer", "BlenderbotSmallTokenizer", "ByT5Tokenizer"),
            *("CTRLTokenizer", "CanineTokenizer", "ClvpTokenizer", "CpmAntTokenizer", "DiaTokenizer", "EsmTokenizer"),
            *("FSMTTokenizer", "FlaubertTokenizer", "GPTNeoXJapaneseTokenizer", "GPTSw3Tokenizer", "M2M100Tokenizer"),
            *("MarianTokenizer", "MgpstrTokenizer", "MyT5Tokenizer", "PLBartTokenizer", "PerceiverTokenizer"),
            *("PhobertTokenizer", "ProphetNetTokenizer", "SiglipTokenizer", "TapasTokenizer", "XLMTokenizer"),
        ),
        "cuts texts in Python",
    ),
}
"""Classes that are more than a `tokenizer.json`, and why."""


@dataclass(frozen=True)
class FolderSettings:
    """What a folder says about its tokenizer, the vocabulary aside.

    Attributes:
        kind: The tokenizer class of transformers that reads it, without "Fast".
        values: The settings: those of tokenizer_config.json, with the special tokens of special_tokens_map.json.
        added: Tokens beside the vocabulary with the ids that they must have, in the order of the ids.
        lower_first: sentence-transformers lowers every text before the tokenizer sees it.
    """

    kind: str
    values: dict[str, Any]
    added: tuple[tuple[int, AddedToken], ...] = ()
    lower_first: bool = False

    def token(self, key: str, usual: str = "") -> str:
        """The text of a special token, or the usual one where the folder names none."""
        token = token_of(self.values.get(key) or usual)
        return str(token.content)

    def extra_tokens(self) -> list[AddedToken]:
        """The special tokens that the folder names, by role and without one."""
        roles = [key for key in (*SPECIAL_KEYS, *self.values) if key.endswith("_token") and self.values.get(key)]
        named = [self.values[key] for key in dict.fromkeys(roles) if isinstance(self.values[key], str | dict)]
        extra = self.values.get("extra_special_tokens") or self.values.get("additional_special_tokens") or []
        return [token_of(token) for token in (*named, *(extra.values() if isinstance(extra, dict) else extra))]


def read_settings(folder: Path) -> FolderSettings:
    """What the folder says.

    Raises:
        ModelError: A file is damaged, or the tokenizer is code that juyi does not have.
    """
    sentence = read_sentence_config(folder)
    values = _object(folder / "tokenizer_config.json")
    kind = _kind(folder, values)
    values |= sentence.tokenizer
    if values.get("auto_map"):
        raise ModelError(
            f"The tokenizer of {folder} is code of its own ({values['auto_map']}); juyi runs no code from a model folder. If its "
            "tokenizer.json alone gives the right tokens, take auto_map out of tokenizer_config.json."
        )
    try:
        added = [(int(index), token_of(token, special=False)) for index, token in values.get("added_tokens_decoder", {}).items()]
        if "added_tokens_decoder" not in values:  # only then does transformers look into the older files
            values |= _object(folder / "special_tokens_map.json")
            added = [(int(index), _older_token(token, values)) for token, index in _object(folder / "added_tokens.json").items()]
            added += [  # of the generic class the file itself adds them
                (int(token["id"]), token_of({key: token[key] for key in token if key != "id"}, special=False))
                for token in (kind != GENERIC and _object(folder / "tokenizer.json").get("added_tokens")) or []
            ]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"The tokens that {folder} adds to its vocabulary cannot be read: {error}. It is damaged.") from error
    return FolderSettings(
        kind=kind,
        values=values,
        added=tuple(sorted({index: token for index, token in added}.items())),
        lower_first=sentence.lower_first,
    )


def token_of(token: str | dict[str, Any], *, special: bool = True) -> AddedToken:
    """A token as JSON has it.

    Args:
        token: Its text, or its properties.
        special: Whether it is special where it does not say so: those that have a role are, others are not.
    """
    if isinstance(token, str):
        return AddedToken(token, special=special)
    properties = {"normalized": True, **token} if "__type" in token else token
    return AddedToken(**{"special": special, **{key: value for key, value in properties.items() if key != "__type"}})


def _older_token(text: str, values: dict[str, Any]) -> AddedToken:
    special = text in {token_of(values[key]).content for key in SPECIAL_KEYS if values.get(key)}
    return AddedToken(text, normalized=not special, special=special)


def _kind(folder: Path, values: dict[str, Any]) -> str:
    model = _object(folder / "config.json")
    if model.get("model_type") in _GENERIC_IN_ANY_CASE:
        return GENERIC
    stated = str(values.get("tokenizer_class") or model.get("tokenizer_class") or "").removesuffix("Fast")
    if stated in _PYTHON:
        raise ModelError(
            f"{folder} is tokenized by {stated}, which {_PYTHON[stated]} and is more than a vocabulary: juyi does not have it "
            "and would give other tokens. Take a model with a tokenizer.json that does all of it."
        )
    if stated:
        return GENERIC if stated == "TokenizersBackend" else stated
    return _OF_KIND.get(str(model.get("model_type")), GENERIC)


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error
