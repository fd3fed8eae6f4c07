"""Where a model lies: the embedded encoder, a folder, or a hub id; what is on this machine is looked at first."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.errors import ModelError
from juyi.provenance import PROVENANCE

_PATTERNS = ["*.json", "*.txt", "*.safetensors", "*.bin", "*.onnx", "*/*.json", "*/*.safetensors", "*/*.bin", "README.md"]


def resolve(model: str | Path | None = None) -> Path:
    """The folder of a model.

    Args:
        model: A folder, a hub id ("owner/name", or "owner/name@revision"), the name of an embedded encoder, or nothing: then the
            default embedded encoder.

    Raises:
        ModelError: It is none of these, or cannot be fetched.
    """
    name = str(model or DEFAULT_ENCODER)
    if name in EMBEDDED and not Path(name).is_dir():
        return EMBEDDED[name]
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise ModelError(f"{name} is a file; a model is a folder (with config.json and weights), a hub id or {_embedded()}.")
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"There is no folder {name}. A model is a folder, a hub id such as owner/name, or {_embedded()}.")
    return _from_hub(name)


def adapter_base(folder: Path) -> Path | None:
    """The folder of the backbone that a folder's adapters are of, as its `adapter_config.json` names it; None where it has none.

    Raises:
        ModelError: The base is not on this machine and cannot be fetched, or the file is damaged.
    """
    path = folder / "adapter_config.json"
    if not path.is_file():
        return None
    try:
        name = str(json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be used: {error}. It must name the model that the adapters are of.") from error
    try:
        return resolve(name)
    except ModelError as error:
        raise ModelError(f"{folder} holds adapters of the model {name}, which is needed too. {error}") from error


def folder_digest(folder: Path) -> str:
    """The one identity of a model folder: a digest of the names and contents of all files that decide about its vectors.

    Pooling, tokenizer and graph decide as the weights do. Where the folder holds adapters, the folder of their base counts too.
    What does not decide is left out: cards and other prose (`*.md`), the account of how the model was trained
    (`juyi_training.json`), hidden files and folders (leftovers of writing, caches of the hub). Any other file counts, known or
    not: a model that is taken for another one by mistake is encoded again, which is cheaper than old vectors.

    A file that was read once in this process is not read again while its size, its times and its place on the disk are the same.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("adapter_config.json")):
        if (base := adapter_base(path.parent)) is not None:
            digest.update(folder_digest(base).encode())
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts) or path.suffix == ".md" or path.name == PROVENANCE:
            continue
        if path.is_file():
            digest.update(name.as_posix().encode() + b"\0")
            digest.update(_file_digest(path))
    return digest.hexdigest()


_known_files: dict[tuple[str, int, int, int, int], bytes] = {}
_SETTLED = 2 * 10**9
"""Nanoseconds after which a file's times prove that it did not change: within the clock's step two writes look alike."""


def _file_digest(path: Path) -> bytes:
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    if key not in _known_files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) < _SETTLED:
            return content
        _known_files[key] = content
    return _known_files[key]


def _embedded() -> str:
    return "an embedded encoder (" + ", ".join(EMBEDDED) + ")"


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=_PATTERNS, local_files_only=True))
    except HFValidationError as error:
        raise ModelError(f"{name} is neither a folder nor a valid hub id: {error}") from error
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=_PATTERNS))
    except Exception as error:  # of the hub, of the network, of the disk: the kinds differ between versions of the hub's library
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{name} is no folder here, is not in the hub cache, and could not be fetched: {reason} "
            "Check the name and the network, or give the path of a downloaded folder."
        ) from error
