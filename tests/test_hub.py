"""Where a model lies: the embedded one, a folder, a hub id; without the network."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from juyi import hub
from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.errors import ModelError
from juyi.hub import folder_digest, lacks_modules, resolve


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test asks the hub, whatever another one found."""
    monkeypatch.setattr(hub, "_unreached", [])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one revision of one model."""
    root = tmp_path / "cache"
    model = root / "models--owner--name"
    for revision, commit in (("main", "a" * 40), ("v2", "b" * 40)):
        (model / "snapshots" / commit).mkdir(parents=True)
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (model / "snapshots" / commit / name).write_text("{}")
        (model / "snapshots" / commit / "modules.json").write_text("[]")
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


@pytest.mark.parametrize("name", ["/no/such", "./no", "../no", "~/no-such-model", "a/b/c", "owner/", "embedded:none"])
def test_no_folder_and_no_hub_id(name: str) -> None:
    with pytest.raises(
        ModelError, match=f"There is no folder {name}. A model is a folder, a hub id such as owner/name or bert-base-.*mini-base"
    ):
        resolve(name)


@pytest.mark.parametrize("name", ["owner/na me", "na me", "-bert", "own$er/name", "owner/name..x--y"])
def test_not_a_valid_hub_id(name: str) -> None:
    with pytest.raises(ModelError, match="neither a folder nor a valid hub id"):
        resolve(name)


def test_what_is_in_the_cache_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = huggingface_hub.snapshot_download

    def progress(*args: object, **options: object) -> str:
        asked.append(options.get("local_files_only"))
        return str(real(*args, **options))  # type: ignore[call-overload]

    monkeypatch.setattr(huggingface_hub, "snapshot_download", progress)
    assert resolve("owner/name") == cache / "models--owner--name" / "snapshots" / ("a" * 40)
    assert resolve("owner/name@v2") == cache / "models--owner--name" / "snapshots" / ("b" * 40)
    assert asked == [True, True]


@pytest.mark.parametrize("name", ["owner/other", "owner/name@v3", "bert-base-chinese", "mini-bas"])
def test_offline_and_not_in_the_cache(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ModelError, match=f"{name} is no folder here, is not in the hub cache, and could not be fetched: .*network"
    ):
        resolve(name)


def test_a_hub_that_is_not_reached_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(repository: str, *_: object, local_files_only: bool = False, **__: object) -> str:
        if not local_files_only:
            asked.append(repository)
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    for name in ("owner/first", "owner/second"):
        with pytest.raises(ModelError, match=f"{name} is no folder here, .*could not be fetched: no connection"):
            resolve(name)
    assert asked == ["owner/first"]
    monkeypatch.setattr(hub, "_PATIENCE", 0.0)
    with pytest.raises(ModelError):
        resolve("owner/second")
    assert asked == ["owner/first", "owner/second"]


def test_a_hub_that_answers_is_asked_for_the_next_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(repository: str, *_: object, local_files_only: bool = False, **__: object) -> str:
        if not local_files_only:
            asked.append(repository)
        raise LocalEntryNotFoundError("forbidden") from HfHubHTTPError.__new__(HfHubHTTPError, "403")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    for name in ("owner/first", "owner/second"):
        with pytest.raises(ModelError, match="forbidden"):
            resolve(name)
    assert asked == ["owner/first", "owner/second"]


@pytest.mark.parametrize(("message", "reason"), [("", "PermissionError"), ("denied\nby many rules", "denied")])
def test_whatever_goes_wrong_in_fetching_is_told(message: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, local_files_only: bool = False, **__: object) -> str:
        raise LocalEntryNotFoundError("not here") if local_files_only else PermissionError(message)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
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
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, revision: str(tmp_path / revision))
    assert resolve("owner/name@v2") == tmp_path


PARTS = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture
def snapshot(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot as plain transformers leaves it, without the network: `bert-base-chinese`, whose id has no owner."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model, commit = cache / "models--bert-base-chinese", "c" * 40
    (model / "snapshots" / commit).mkdir(parents=True)
    (model / "blobs").mkdir()
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    for number, name in enumerate(PARTS):
        (model / "blobs" / str(number)).write_text("{}")
        (model / "snapshots" / commit / name).symlink_to(Path("..", "..", "blobs", str(number)))
    return model / "snapshots" / commit


def test_an_id_without_an_owner(snapshot: Path) -> None:
    assert resolve("bert-base-chinese") == resolve("bert-base-chinese@main") == snapshot


def note_absence(snapshot: Path) -> None:
    place = snapshot.parents[1] / ".no_exist" / snapshot.name / "modules.json"
    place.parent.mkdir(parents=True)
    place.write_text("")


def list_files(snapshot: Path, *names: str) -> None:
    place = snapshot.parents[1] / "trees" / f"{snapshot.name}.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"format_version": 1, "files": {name: {} for name in names}}))


def test_whether_a_snapshot_may_lack_modules(snapshot: Path, folder: Path) -> None:
    assert lacks_modules(snapshot) == "bert-base-chinese"
    assert lacks_modules(folder) == ""  # no cache
    list_files(snapshot, "config.json", "modules.json")
    assert lacks_modules(snapshot) == "bert-base-chinese"
    (snapshot.parents[1] / "trees" / f"{snapshot.name}.json").write_text('{"files": {"config.json": {}}}')
    assert lacks_modules(snapshot) == ""
    (snapshot.parents[1] / "trees" / f"{snapshot.name}.json").write_text("{")
    assert lacks_modules(snapshot) == "bert-base-chinese"
    note_absence(snapshot)
    assert lacks_modules(snapshot) == ""


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (["model.safetensors"], "the file of the weights is missing"),
        (["tokenizer.json"], "the tokenizer is missing"),
        (["tokenizer.json", "config.json"], "config.json and the tokenizer is missing"),
        (["model.safetensors", "tokenizer.json"], "the file of the weights and the tokenizer is missing"),
    ],
)
def test_a_part_of_a_model_offline(gone: list[str], missing: str, snapshot: Path) -> None:
    note_absence(snapshot)
    for name in gone:
        (snapshot / name).unlink()
    with pytest.raises(ModelError, match=f"{missing}.*hf download bert-base-chinese"):
        resolve("bert-base-chinese")


def test_modules_that_are_listed_and_weights_in_parts_must_be_there(snapshot: Path) -> None:
    modules = [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
        {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (snapshot / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match=r"of 2_Dense is missing") as refusal:
        resolve("bert-base-chinese")
    assert "part of bert-base-chinese: 1_Pooling/config.json and 2_Dense/config.json and the weights" in str(refusal.value)
    for name in ("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"):
        (snapshot / name).parent.mkdir(exist_ok=True)
        (snapshot / name).write_text("{}")
    assert resolve("bert-base-chinese") == snapshot
    (snapshot / "model.safetensors").rename(snapshot / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="the file of the weights is missing"):
        resolve("bert-base-chinese")
    (snapshot / "model-00002-of-00002.safetensors").write_text("{}")
    assert resolve("bert-base-chinese") == snapshot


def test_a_repository_without_a_tokenizer_that_is_read_is_no_part(snapshot: Path) -> None:
    """The reader of the folder refuses it with the better reason."""
    (snapshot / "tokenizer.json").unlink()
    list_files(snapshot, "config.json", "model.safetensors", "spiece.model")
    assert resolve("bert-base-chinese") == snapshot


def test_files_that_a_newer_hub_lists_and_nobody_needs(snapshot: Path) -> None:
    """It would call the snapshot incomplete for a format of the weights that is not read."""
    list_files(snapshot, *PARTS, "onnx/model.onnx")
    assert resolve("bert-base-chinese") == snapshot


@pytest.mark.parametrize("there", [True, False])
def test_what_a_part_lacks_is_asked_for_once(there: bool, snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = huggingface_hub.snapshot_download, []

    def fetch(*args: Any, local_files_only: bool = False, **options: Any) -> str:
        if not local_files_only:
            asked.append("the rest")
        return str(real(*args, local_files_only=True, **options))

    def one(repository: str, name: str, *, revision: str | None) -> None:
        asked.append(name)
        assert (repository, revision) == ("bert-base-chinese", None)
        if there:
            (snapshot / "modules.json").write_text("[]")
        else:
            note_absence(snapshot)
            raise EntryNotFoundError("404")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", one)
    for _ in range(2):
        assert resolve("bert-base-chinese") == snapshot and lacks_modules(snapshot) == ""
    assert asked == ["modules.json", "the rest"]


def test_a_folder_that_hides_an_embedded_encoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini").mkdir()
    heard: list[str] = []
    assert resolve("mini", log=heard.append) == Path("mini")
    assert heard == ["Model: mini is the folder ./mini here; the embedded encoder of that name is embedded:mini."]
    assert resolve("./mini", log=heard.append) == Path("mini")
    assert resolve(Path("mini"), log=heard.append) == Path("mini")
    assert resolve("embedded:mini", log=heard.append) == EMBEDDED["mini"]
    assert resolve("mini-base", log=heard.append) == EMBEDDED["mini-base"]
    assert resolve("", log=heard.append) == EMBEDDED[DEFAULT_ENCODER]
    assert len(heard) == 1


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
