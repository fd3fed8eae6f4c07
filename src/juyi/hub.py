"""Where a model lies: the embedded encoder, a folder, or a hub id; what is on this machine is looked at first."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.calibration import CALIBRATION
from juyi.errors import ModelError
from juyi.provenance import PROVENANCE
from juyi.similarity_settings import SIMILARITY
from juyi.types import Log

_PATTERNS = ["*.json", "*.txt", "*.safetensors", "*.bin", "*.onnx", "*/*.json", "*/*.safetensors", "*/*.bin", "README.md"]
_EMBEDDED = "embedded:"
_MODULES = "modules.json"
_CANONICAL = "bert-base-chinese"  # an id without an owner, as the oldest repositories have
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")
_CACHED = re.compile(r"(?P<cache>.+)/models--(?P<name>[^/]+)/snapshots/(?P<commit>[^/]+)")


def resolve(model: str | Path | None = None, *, log: Log = lambda _: None) -> Path:
    """The folder of a model.

    Args:
        model: A folder, a hub id ("owner/name", or "owner/name@revision"; the oldest have no owner), the name of an embedded
            encoder ("mini", or "embedded:mini" where a folder here has that name too), or nothing: then the default embedded
            encoder.
        log: Hears that a name stands for a folder here though an embedded encoder has it too.

    Raises:
        ModelError: It is none of these, or cannot be fetched whole.
    """
    name = str(model or f"{_EMBEDDED}{DEFAULT_ENCODER}")
    if name.startswith(_EMBEDDED) and (own := name.removeprefix(_EMBEDDED)) in EMBEDDED:
        return EMBEDDED[own]
    if name in EMBEDDED and not (isinstance(model, Path) and model.is_dir()):
        if not Path(name).is_dir():
            return EMBEDDED[name]
        log(f"Model: {name} is the folder ./{name} here; the embedded encoder of that name is {_EMBEDDED}{name}.")
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise ModelError(f"{name} is a file; a model is a folder (with config.json and weights), a hub id or {_embedded()}.")
    if name.startswith((".", "/", "~", _EMBEDDED)) or name.count("/") > 1 or name.endswith("/"):
        raise ModelError(
            f"There is no folder {name}. A model is a folder, a hub id such as owner/name or {_CANONICAL}, or {_embedded()}."
        )
    return _from_hub(name)


def lacks_modules(folder: Path) -> str:
    """The hub's name of a snapshot whose repository may have a `modules.json` that the snapshot lacks; empty where it has none.

    A snapshot holds what was asked for so far: plain transformers, for example, never asks for `modules.json`. That there is none
    is known where the cache has noted it, by a request that found nothing or by a list of all files.
    """
    place = _CACHED.fullmatch(folder.absolute().as_posix())
    if place is None or (folder / _MODULES).is_file():
        return ""
    listed = _listed(folder)
    noted = folder.absolute().parents[1] / ".no_exist" / place["commit"] / _MODULES
    if noted.is_file() or (listed is not None and _MODULES not in listed):
        return ""
    return place["name"].replace("--", "/")


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


_UNDECIDING = (PROVENANCE, SIMILARITY, CALIBRATION)


def folder_digest(folder: Path) -> str:
    """The one identity of a model folder: a digest of the names and contents of all files that decide about its vectors.

    Pooling, tokenizer and graph decide as the weights do. Where the folder holds adapters, the folder of their base counts too.
    What does not decide is left out: cards and other prose (`*.md`), the account of how the model was trained
    (`juyi_training.json`), how texts are compared beyond their vectors (`juyi_similarity.json`) and what similarities are worth
    (`juyi_calibration.json`), hidden files and folders (leftovers of writing, caches of the hub). Any other file counts, known
    or not: a model that is taken for another one by mistake is encoded again, which is cheaper than old vectors.

    A file that was read once in this process is not read again while its size, its times and its place on the disk are the same.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("adapter_config.json")):
        if (base := adapter_base(path.parent)) is not None:
            digest.update(folder_digest(base).encode())
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts) or path.suffix == ".md" or path.name in _UNDECIDING:
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
    from huggingface_hub.errors import HFValidationError

    repository, _, revision = name.partition("@")
    try:
        cached = _cached(repository, revision or None)
    except HFValidationError as error:
        raise ModelError(f"{name} is neither a folder nor a valid hub id: {error}") from error
    if cached is not None and not _missing(cached) and not lacks_modules(cached):
        return cached
    reason, failure = "The hub was not reached, or does not have it.", None
    try:
        folder = _fetched(repository, revision or None)
        if cached is None:
            return folder
    except Exception as error:  # of the hub, of the network, of the disk: the kinds differ between versions of the hub's library
        reason, failure = (str(error).strip() or type(error).__name__).splitlines()[0], error
        if cached is None:
            raise ModelError(
                f"{name} is no folder here, is not in the hub cache, and could not be fetched: {reason} "
                f"Check the name and the network, or give the path of a downloaded folder, or {_embedded()}."
            ) from error
        folder = cached
    if missing := _missing(folder):
        raise ModelError(
            f"The hub's cache holds only a part of {name}: {' and '.join(missing)} is missing, and could not be fetched: "
            f"{reason} Fetch the whole, with the network: hf download {repository}"
        ) from failure
    return folder  # whether the pooling of a part may be guessed, the reader of the folder decides


def _cached(repository: str, revision: str | None) -> Path | None:
    """The snapshot in the hub's cache, maybe a part of the repository."""
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=_PATTERNS, local_files_only=True))
    except LocalEntryNotFoundError:  # newer versions say it of a part, too, though it may be all that is needed
        for name in (_MODULES, "config.json"):
            if isinstance(path := try_to_load_from_cache(repository, name, revision=revision), str):
                return Path(path).parent
    return None


_PATIENCE = 60.0
"""Seconds for which a hub that was not reached is not asked again: its library tries for half a minute each time."""
_unreached: list[tuple[float, str]] = []
"""When the hub was last not reached, and why."""


def _fetched(repository: str, revision: str | None) -> Path:
    """The snapshot after the hub was asked for the rest; without the network what the cache has of it, or an error."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, FileMetadataError, HfHubHTTPError, LocalEntryNotFoundError

    if _unreached and time.monotonic() - _unreached[-1][0] < _PATIENCE:
        raise LocalEntryNotFoundError(_unreached[-1][1])
    try:
        hf_hub_download(repository, _MODULES, revision=revision)
    except LocalEntryNotFoundError as error:
        if not isinstance(error.__cause__, HfHubHTTPError | FileMetadataError):  # it did not answer, for this or any other model
            _unreached[:] = [(time.monotonic(), str(error))]
        raise
    except EntryNotFoundError:
        pass  # the cache has noted it, and knows it from now on without the network
    return Path(snapshot_download(repository, revision=revision, allow_patterns=_PATTERNS))


def _missing(folder: Path) -> list[str]:
    """What a snapshot lacks that no model does without, as far as its repository may have it."""
    listed = _listed(folder)
    modules = [module for module in _read_json(folder / _MODULES, []) if isinstance(module, dict)]
    kinds = {str(module.get("path", "")): str(module.get("type")).rpartition(".")[2] for module in modules}
    root = folder / next((place for place, kind in kinds.items() if kind == "Transformer"), "")
    files = [f"{place}/config.json" for place, kind in kinds.items() if kind not in ("Transformer", "Normalize")]
    missing = [name for name in files if not (folder / name).is_file()]
    missing += [f"the weights of {p}" for p, kind in kinds.items() if kind == "Dense" and not _has_weights(folder / p)]
    if not (root / "config.json").is_file():
        missing.append("config.json")
    if not _has_weights(root):
        missing.append("the file of the weights")
    known = any(
        Path(name).name in _TOKENIZERS for name in listed or _TOKENIZERS
    )  # it may have none that is read: the reader says it
    if known and not any((root / name).is_file() for name in _TOKENIZERS):
        missing.append("the tokenizer")
    return missing


def _listed(folder: Path) -> list[str] | None:
    """The files of a snapshot's repository, where the cache has the list."""
    content = _read_json(folder.absolute().parents[1] / "trees" / f"{folder.name}.json")
    return list(content["files"]) if "files" in content else None


def _has_weights(root: Path) -> bool:
    for index in root.glob("*.index.json"):
        if all((root / part).is_file() for part in _read_json(index).get("weight_map", {}).values()):
            return True
    single = [*root.glob("*.safetensors"), *root.glob("*.bin")]
    return any("-of-" not in path.name for path in single)


def _read_json(path: Path, otherwise: Any = None) -> Any:
    """The content of a file of the cache; nothing where it cannot be read, for whoever needs it says so."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {} if otherwise is None else otherwise
