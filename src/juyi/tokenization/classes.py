"""What transformers' tokenizer classes make of a folder.

Only the generic class takes `tokenizer.json` as it is. The others take the vocabulary from it and build the rest anew, by the
settings in tokenizer_config.json and by defaults of their own: what `tokenizer.json` says about lower case, accents, Chinese
characters or a leading space is not looked at. Models are published in this form, so it is done in the same way here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from juyi.errors import ModelError
from juyi.tokenization.folder_settings import GENERIC, FolderSettings, read_settings

_BRACKETS = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
_ANGLES = {
    **{"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>"},
    **{"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"},
}

Content = dict[str, Any]
"""`tokenizer.json`, or as much of it as older files give."""


@dataclass(frozen=True)
class TokenizerClass:
    """One class.

    Attributes:
        model: The kind of vocabulary that it has.
        tokens: Its special tokens, where the folder names no others.
        build: From the vocabulary and the settings to a tokenizer.
        ends: The roles of the tokens before and after a text; None where `tokenizer.json` decides about them even so.
    """

    model: str
    tokens: dict[str, str]
    build: Callable[[Content, FolderSettings], tokenizers.Tokenizer]
    ends: tuple[str, str] | None = ("cls_token", "sep_token")


def read_backend(folder: Path) -> tuple[tokenizers.Tokenizer, FolderSettings]:
    """The tokenizer of a folder as transformers would have it, and what the folder says about it.

    Raises:
        ModelError: There is none, it is damaged, or it is code that juyi does not have.
    """
    settings = read_settings(folder)
    found = CLASSES.get(settings.kind)
    if found is None and (folder / "tokenizer.json").is_file():
        backend = _load(folder / "tokenizer.json")
        _refuse_disagreement(folder, settings, backend)
    else:
        found = found or CLASSES["BertTokenizer"]
        content = _content(folder, found.model)
        if (kind := content["model"].get("type", found.model)) != found.model:
            raise ModelError(
                f"{folder} is read with {settings.kind}, whose vocabulary is a {found.model}, but its tokenizer.json holds "
                f'a {kind}. If that is right, write "tokenizer_class": "PreTrainedTokenizerFast" into tokenizer_config.json.'
            )
        settings.values.update({key: token for key, token in found.tokens.items() if not settings.values.get(key)})
        backend = _built(folder, found, content, settings)
    _add_tokens(folder, backend, settings, optional=set() if found is None else set(found.tokens.values()))
    if found is not None and found.ends is None:
        backend.post_processor = _load(folder / "tokenizer.json").post_processor
    elif found is not None and found.ends is not None:
        _surround(backend, {role: settings.token(role) for role in found.ends})
    return backend, settings


def _built(folder: Path, found: TokenizerClass, content: Content, settings: FolderSettings) -> tokenizers.Tokenizer:
    try:
        return found.build(content, settings)
    except Exception as error:  # the library raises Exception itself
        raise ModelError(f"The vocabulary of {folder} cannot be used: {error}. The model folder is damaged.") from error


def _bert(content: Content, settings: FolderSettings) -> tokenizers.Tokenizer:
    values = settings.values
    backend = tokenizers.Tokenizer(models.WordPiece(content["model"]["vocab"], unk_token=settings.token("unk_token")))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(values.get("tokenize_chinese_chars", True)),
        strip_accents=values.get("strip_accents"),
        lowercase=bool(values.get("do_lower_case", True)),
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    return backend


def _roberta(content: Content, settings: FolderSettings) -> tokenizers.Tokenizer:
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in content["model"]["merges"]]
    merges = [(str(first), str(second)) for first, second in pairs]
    backend = tokenizers.Tokenizer(models.BPE(content["model"]["vocab"], merges, fuse_unk=False))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(settings.values.get("add_prefix_space", False)))
    backend.decoder = decoders.ByteLevel()
    return backend


def _xlm_roberta(content: Content, settings: FolderSettings) -> tokenizers.Tokenizer:
    backend = _unigram(content, settings, unknown=3)
    if charsmap := _charsmap(content):
        backend.normalizer = normalizers.Precompiled(charsmap)
    return backend


def _albert(content: Content, settings: FolderSettings) -> tokenizers.Tokenizer:
    backend = _unigram(content, settings, unknown=1)
    steps: list[Any] = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
    if not settings.values.get("keep_accents", False):
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if settings.values.get("do_lower_case", True):
        steps.append(normalizers.Lowercase())
    if charsmap := _charsmap(content):
        steps.append(normalizers.Precompiled(charsmap))
    backend.normalizer = normalizers.Sequence(steps)
    return backend


def _unigram(content: Content, settings: FolderSettings, *, unknown: int) -> tokenizers.Tokenizer:
    vocabulary = [(str(token), float(score)) for token, score in content["model"]["vocab"]]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    scheme = "always" if settings.values.get("add_prefix_space", True) else "never"
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)]
    )
    backend.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme)
    return backend


def _charsmap(content: Content) -> bytes | None:
    """The normalisation of sentencepiece's own, where the file has it."""
    normalizer = content.get("normalizer") or {}
    for step in normalizer.get("normalizers", [normalizer]):
        if step.get("type") == "Precompiled" and step.get("precompiled_charsmap"):
            return base64.b64decode(step["precompiled_charsmap"])
    return None


_BERT = TokenizerClass("WordPiece", _BRACKETS, _bert)
_ROBERTA = TokenizerClass("BPE", _ANGLES, _roberta)
CLASSES = {
    **dict.fromkeys(("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"), _BERT),
    **dict.fromkeys(("LxmertTokenizer", "MobileBertTokenizer", "ConvBertTokenizer"), _BERT),
    **dict.fromkeys(("RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "MvpTokenizer", "LongformerTokenizer"), _ROBERTA),
    "MPNetTokenizer": TokenizerClass("WordPiece", {**_ANGLES, "unk_token": "[UNK]"}, _bert),
    "XLMRobertaTokenizer": TokenizerClass("Unigram", _ANGLES, _xlm_roberta, ends=("bos_token", "eos_token")),
    "AlbertTokenizer": TokenizerClass("Unigram", {**_BRACKETS, "unk_token": "<unk>", "pad_token": "<pad>"}, _albert, ends=None),
}
"""The classes that build anew, by their names without "Fast"."""


def _content(folder: Path, model: str) -> Content:
    """`tokenizer.json`, or what the older files of such a class hold."""
    path = folder / "tokenizer.json"
    if path.is_file():
        try:
            return {"model": {}, **json.loads(path.read_text(encoding="utf-8"))}
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(path, error) from error
    if model == "WordPiece" and (folder / "vocab.txt").is_file():
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
        return {"model": {"vocab": {line.rstrip("\r"): i for i, line in enumerate(lines) if line or i < len(lines) - 1}}}
    if model == "BPE" and (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        merges = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        rules = [rule.rstrip("\r") for number, rule in enumerate(merges) if rule.strip() and not (number == 0 and rule[0] == "#")]
        return {"model": {"vocab": json.loads((folder / "vocab.json").read_text(encoding="utf-8")), "merges": rules}}
    raise ModelError(
        f"{folder} holds no tokenizer: there is neither tokenizer.json nor vocab.txt (for RoBERTa: vocab.json and merges.txt). "
        "A sentencepiece model must be converted first: transformers.AutoTokenizer.from_pretrained(…).save_pretrained(…) writes "
        "tokenizer.json."
    )


def _load(path: Path) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.")


def _add_tokens(folder: Path, backend: tokenizers.Tokenizer, settings: FolderSettings, *, optional: set[str]) -> None:
    """Add what the folder names beside the vocabulary; `optional` tokens, a class's own, only where the vocabulary has them."""
    known = {index: repr(token) for index, token in backend.get_added_tokens_decoder().items()}
    tokens = [token for _, token in settings.added if repr(token) not in known.values()]
    there = {token.content for token in (*backend.get_added_tokens_decoder().values(), *tokens)}
    for token in settings.extra_tokens():
        if token.content not in there and (token.content not in optional or backend.token_to_id(token.content) is not None):
            there.add(token.content)
            tokens.append(token)
    backend.add_tokens(tokens)
    for index, token in settings.added:
        if backend.token_to_id(token.content) != index:
            raise ModelError(
                f"{folder} gives the added token '{token.content}' the id {index}, but by its vocabulary it is "
                f"{backend.token_to_id(token.content)}: the files of the tokenizer do not belong together."
            )


def _surround(backend: tokenizers.Tokenizer, ends: dict[str, str]) -> None:
    """Put these tokens, by their roles, before and after every text."""
    places = []
    for role, token in ends.items():
        place = backend.token_to_id(token)
        if place is None:
            raise ModelError(
                f"The tokenizer has no {role}: none of {token} is in its vocabulary. Name it in tokenizer_config.json."
            )
        places.append((token, place))
    first, last = places
    backend.post_processor = processors.BertProcessing(last, first)


def _refuse_disagreement(folder: Path, settings: FolderSettings, backend: tokenizers.Tokenizer) -> None:
    """Refuse settings of a class that juyi does not rebuild where they contradict the file; the generic class ignores them."""
    if settings.kind in (GENERIC, "RoFormerTokenizer"):  # RoFormer's words are lowered before the file sees them
        return
    does = {"do_lower_case": backend.normalizer is not None and backend.normalizer.normalize_str("A") == "a"}
    pieces = backend.pre_tokenizer.pre_tokenize_str("a") if backend.pre_tokenizer is not None else []
    if pieces and pieces[0][0] in ("a", "Ġa"):
        does["add_prefix_space"] = pieces[0][0] != "a"
    for key, value in does.items():
        stated = settings.values.get(key)
        if stated is not None and bool(stated) != value:
            raise ModelError(
                f"{folder}: tokenizer_config.json says {key} {str(stated).lower()}, tokenizer.json does the opposite; juyi "
                f"does not know which of them {settings.kind} follows. If the file is right, set it to {str(value).lower()}."
            )
