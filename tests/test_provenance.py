"""What a model was made from goes where its folder goes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from juyi.assets import EMBEDDED
from juyi.errors import ModelError
from juyi.evaluation.candidates import open_candidate
from juyi.evaluation.options import EncodeOptions
from juyi.hub import folder_digest
from juyi.provenance import PROVENANCE, Provenance, copy_provenance, read_provenance, write_provenance

MADE = Provenance("zh/simcse", "train", "0123456789ab", "mini", True, {"rows": "abc"}, "0.1")


def test_what_is_written_is_read_after_a_copy_too(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert read_provenance(tmp_path / "model") is None
    write_provenance(tmp_path / "model", MADE)
    assert read_provenance(tmp_path / "model") == MADE
    shutil.copytree(tmp_path / "model", tmp_path / "copy")
    assert read_provenance(tmp_path / "copy") == MADE
    (tmp_path / "whitened").mkdir()
    copy_provenance(tmp_path / "copy", tmp_path / "whitened")
    copy_provenance(tmp_path / "whitened", tmp_path / "whitened")
    assert read_provenance(tmp_path / "whitened") == MADE
    (tmp_path / "none").mkdir()
    copy_provenance(tmp_path / "none", tmp_path / "whitened")
    assert read_provenance(tmp_path / "whitened") == MADE


def test_it_is_no_part_of_the_identity_of_a_model(tmp_path: Path) -> None:
    folder = shutil.copytree(EMBEDDED["mini"], tmp_path / "model")
    before = folder_digest(folder)
    write_provenance(folder, MADE)
    assert folder_digest(folder) == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": "x"}', '{"recipe": 3, "kind": "", "run": ""}'])
def test_a_damaged_one_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / PROVENANCE).write_text(content)
    with pytest.raises(ModelError, match=PROVENANCE):
        read_provenance(tmp_path)


@pytest.mark.parametrize("selected", [True, False])
def test_a_model_that_was_chosen_on_a_development_set_is_labelled_wherever_it_lies(tmp_path: Path, selected: bool) -> None:
    folder = shutil.copytree(EMBEDDED["mini"], tmp_path / "elsewhere")
    assert open_candidate(str(folder), EncodeOptions(cache=False)).labels == ()
    write_provenance(folder, Provenance("a", "train", "b", dev_selected=selected))
    assert open_candidate(str(folder), EncodeOptions(cache=False)).labels == (("dev-selected",) if selected else ())
