"""Where a model lies: the embedded one, a folder, a hub id; without the network."""

from __future__ import annotations

import os
import time
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.errors import ModelError
from juyi.hub import folder_digest, resolve


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one revision of one model."""
    root = tmp_path / "cache"
    model = root / "models--owner--name"
    for revision, commit in (("main", "a" * 40), ("v2", "b" * 40)):
        (model / "snapshots" / commit).mkdir(parents=True)
        (model / "snapshots" / commit / "config.json").write_text("{}")
        (model / "refs").mkdir(exist_ok=True)
        (model / "refs" / revision).write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root))
    return root


def test_nothing_is_the_default_encoder() -> None:
    for nothing in (None, "", DEFAULT_ENCODER):
        assert resolve(nothing) == EMBEDDED[DEFAULT_ENCODER]


def test_a_folder_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(tmp_path) == resolve(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    for name in ("owner/name", DEFAULT_ENCODER, "plain"):  # a folder here goes before the hub and before the embedded one
        (tmp_path / name).mkdir(parents=True)
        assert resolve(name) == Path(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/plain") == tmp_path / "plain"


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(
        ModelError, match=r"is a file; a model is a folder \(with config\.json and weights\), a hub id or an embedded"
    ):
        resolve(tmp_path / "model.bin")


@pytest.mark.parametrize("name", ["/no/such", "./no", "../no", "~/no-such-model", "bert-base-chinese", "a/b/c", "no-such"])
def test_no_folder_and_no_hub_id(name: str) -> None:
    with pytest.raises(
        ModelError, match=f"There is no folder {name}. A model is a folder, a hub id such as owner/name, or .*mini-base"
    ):
        resolve(name)


@pytest.mark.parametrize("name", ["owner/na me", "own$er/name", "owner/name..x--y"])
def test_not_a_valid_hub_id(name: str) -> None:
    with pytest.raises(ModelError, match="neither a folder nor a valid hub id"):
        resolve(name)


def test_what_is_in_the_cache_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = huggingface_hub.snapshot_download

    def progress(*args: object, **options: object) -> str:
        asked.append(options.get("local_files_only"))
        return str(real(*args, **options))  # type: ignore[arg-type,call-overload]

    monkeypatch.setattr(huggingface_hub, "snapshot_download", progress)
    assert resolve("owner/name") == cache / "models--owner--name" / "snapshots" / ("a" * 40)
    assert resolve("owner/name@v2") == cache / "models--owner--name" / "snapshots" / ("b" * 40)
    assert asked == [True, True]


@pytest.mark.parametrize("name", ["owner/other", "owner/name@v3"])
def test_offline_and_not_in_the_cache(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ModelError, match=f"{name} is no folder here, is not in the hub cache, and could not be fetched: .*network"
    ):
        resolve(name)


@pytest.mark.parametrize(("message", "reason"), [("", "PermissionError"), ("denied\nby many rules", "denied")])
def test_whatever_goes_wrong_in_fetching_is_told(message: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, local_files_only: bool = False, **__: object) -> str:
        raise LocalEntryNotFoundError("not here") if local_files_only else PermissionError(message)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelError, match=f"could not be fetched: {reason} Check the name"):
        resolve("owner/name")


def test_fetched_is_what_the_hub_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(repository: str, *, revision: str | None, allow_patterns: list[str], local_files_only: bool = False) -> str:
        if local_files_only:
            raise LocalEntryNotFoundError("not here")
        assert (repository, revision) == ("owner/name", "v2") and "*.safetensors" in allow_patterns
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert resolve("owner/name@v2") == tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json", "README.md"):
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / name).write_text(f"content of {name}")
    return tmp_path / "m"


@pytest.mark.parametrize(
    ("name", "content", "counts"),
    [
        ("config.json", "another", True),
        ("model.safetensors", "content of model.safetensorS", True),  # as long as before
        ("tokenizer.json", "another", True),
        ("1_Pooling/config.json", "another", True),
        ("2_Dense/config.json", "new", True),
        ("model.onnx", "new", True),
        ("juyi_words.json", "new", True),
        ("vocab.txt", "new", True),
        ("whatever.xyz", "new", True),
        ("config.json", None, True),
        ("README.md", "another", False),
        ("README.md", None, False),
        ("docs/NOTES.md", "new", False),
        ("juyi_training.json", "new", False),
        (".config.json.12.tmp", "left over", False),
        (".cache/huggingface/config.json", "left over", False),
    ],
)
def test_what_decides_about_the_vectors_changes_the_digest(folder: Path, name: str, content: str | None, counts: bool) -> None:
    before = folder_digest(folder)
    path = folder / name
    if content is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert (folder_digest(folder) != before) == counts


def test_names_and_contents_are_told_apart(tmp_path: Path) -> None:
    made = [{"a": "xb", "c": "y"}, {"a": "x", "bc": "y"}, {"ax": "b", "c": "y"}, {"a": "y", "c": "xb"}, {"a": "xb"}]
    digests = set()
    for place, files in enumerate(made):
        (tmp_path / str(place)).mkdir()
        for name, content in files.items():
            (tmp_path / str(place) / name).write_text(content)
        digests.add(folder_digest(tmp_path / str(place)))
    assert len(digests) == len(made)


def test_the_place_of_a_folder_and_links_to_its_files_do_not_count(folder: Path, tmp_path: Path) -> None:
    before = folder_digest(folder)
    (tmp_path / "linked" / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"):  # as the hub's cache has them
        (tmp_path / "linked" / name).symlink_to(folder / name)
    assert folder_digest(tmp_path / "linked") == before
    folder.rename(tmp_path / "moved")
    assert folder_digest(tmp_path / "moved") == before


def test_a_file_that_was_settled_when_it_was_read_is_noticed_when_it_changes(folder: Path) -> None:
    weights = folder / "model.safetensors"
    state = weights.stat()
    os.utime(weights, (state.st_atime - 100, state.st_mtime - 100))
    time.sleep(2.1)  # from here on its digest is kept
    digests = [folder_digest(folder), folder_digest(folder)]
    old = weights.stat()
    weights.write_text("content of model.safetensorX")
    os.utime(weights, ns=(old.st_atime_ns, old.st_mtime_ns))  # whoever hides a change behind the old time
    digests.append(folder_digest(folder))
    assert digests[0] == digests[1] != digests[2]
