"""A teacher's vectors: what they are, and what is kept of them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import load_encoder, save_encoder
from juyi.encoder.heads import random_head
from juyi.errors import DataError, UsageError
from juyi.prompts import Prompts
from juyi.teachers import Teacher, teacher_vectors

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES[25:35]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tiny_encoders.build("modernbert"), tmp_path_factory.mktemp("teacher") / "model")


def unit(vectors: Any) -> Any:
    return np.stack([row / np.sqrt(sum(float(x) ** 2 for x in row)) for row in np.asarray(vectors, dtype=np.float64)])


@pytest.mark.parametrize(("precision", "atol"), [("float32", 6e-4), ("bfloat16", 0.05)])
@pytest.mark.parametrize("block", [4, 5, 100])
def test_they_are_the_encoders_own_at_unit_length(folder: Path, tmp_path: Path, precision: Any, atol: float, block: int) -> None:
    heard: list[tuple[int, int]] = []
    vectors = teacher_vectors(
        str(folder), TEXTS, tmp_path, progress=lambda *told: heard.append(told), precision=precision, block=block
    )
    assert vectors.dtype == np.float16 and vectors.shape == (10, 32)
    np.testing.assert_allclose(vectors, unit(load_encoder(folder).encode(TEXTS)), atol=atol)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1.0, atol=2e-3)
    assert heard == {4: [(4, 10), (8, 10), (10, 10)], 5: [(5, 10), (10, 10)], 100: [(10, 10)]}[block]


def test_a_second_call_reads_what_is_kept(folder: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []

    def vectors(folder: Path, texts: list[str], precision: Any = None) -> Any:
        heard.clear()
        return teacher_vectors(str(folder), texts, tmp_path, progress=lambda *told: heard.append(told), precision=precision)

    first = vectors(folder, TEXTS)
    assert heard == [(10, 10)]
    for place in (folder, shutil.copytree(folder, tmp_path / "moved")):
        np.testing.assert_array_equal(vectors(place, TEXTS), first)
        assert heard == []
    np.testing.assert_array_equal(vectors(folder, [TEXTS[3], *TEXTS[::-1]]), first[[3, *range(10)[::-1]]])
    assert heard == []  # in whatever order, and some of them
    more = vectors(folder, ["".join(TEXTS[:2]), TEXTS[1], "".join(TEXTS[:2]), "另一句"])
    assert heard == [(2, 2)]  # each once, and only what was not there
    np.testing.assert_array_equal(more[1], first[1])
    np.testing.assert_array_equal(more[0], more[2])
    np.testing.assert_allclose(
        more, unit(load_encoder(folder).encode(["".join(TEXTS[:2]), TEXTS[1], "".join(TEXTS[:2]), "另一句"])), atol=0.05
    )
    vectors(folder, TEXTS, "float32")
    computed = bool(heard)
    vectors(folder, TEXTS, "bfloat16")
    assert computed != bool(heard)  # the first call took one of the two


def test_the_prompt_is_put_before_every_text_and_is_part_of_the_key(tmp_path: Path) -> None:
    encoder = tiny_encoders.build("modernbert", seed=3)
    encoder.prompts = Prompts({"query": "请问,", "passage": "the "}, default_name="passage")
    folder = save_encoder(encoder, tmp_path / "model")
    found = {
        prompt: teacher_vectors(Teacher(str(folder), prompt=prompt), TEXTS, tmp_path / "cache", precision="float32")
        for prompt in ("", "query", "他 说:")
    }
    for prompt, before in {"": "the ", "query": "请问,", "他 说:": "他 说:"}.items():
        wanted = unit(encoder.encode([before + text for text in TEXTS], prompt=""))
        np.testing.assert_allclose(found[prompt], wanted, atol=6e-4)
    assert len(list((tmp_path / "cache").iterdir())) == 3
    np.testing.assert_array_equal(teacher_vectors(str(folder), TEXTS, tmp_path / "cache", precision="float32"), found[""])
    assert len(list((tmp_path / "cache").iterdir())) == 3
    with pytest.raises(UsageError, match="no prompt named 'qeury'"):
        teacher_vectors(Teacher(str(folder), prompt="qeury"), TEXTS, tmp_path / "cache")


def pool_by_cls(folder: Path) -> None:
    path = folder / "1_Pooling" / "config.json"
    config = json.loads(path.read_text())
    config |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    path.write_text(json.dumps(config))


def swap_two_tokens(folder: Path) -> None:
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    first, second = (next(token for token in vocabulary if token in text) for text in (TEXTS[0], TEXTS[1][:4]))
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def other_weights(folder: Path) -> None:
    save_encoder(tiny_encoders.build("modernbert", seed=7), folder)


@pytest.mark.parametrize("change", [pool_by_cls, swap_two_tokens, other_weights])
def test_a_teacher_that_was_changed_gives_its_new_vectors(tmp_path: Path, change: Any) -> None:
    folder = save_encoder(tiny_encoders.build("modernbert", seed=1), tmp_path / "model")
    before = teacher_vectors(str(folder), TEXTS, tmp_path / "cache")
    change(folder)
    after = teacher_vectors(str(folder), TEXTS, tmp_path / "cache")
    np.testing.assert_allclose(after, unit(load_encoder(folder).encode(TEXTS)), atol=0.05)
    assert not np.allclose(before, after, atol=0.1)


@pytest.mark.parametrize("done", [1, 2])
def test_a_stopped_call_is_taken_up_at_the_block_in_hand(folder: Path, tmp_path: Path, done: int) -> None:
    straight = teacher_vectors(str(folder), TEXTS, tmp_path / "straight", block=4)

    def stop(texts: int, total: int) -> None:
        if texts == 4 * done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teacher_vectors(str(folder), TEXTS, tmp_path / "stopped", block=4, progress=stop)
    (kept,) = (tmp_path / "stopped").iterdir()
    assert len(list(kept.glob("*.keys.npy"))) == len(list(kept.glob("*.vectors.npy"))) == done
    (kept / ".0123.keys.npy.x-1-y.tmp").write_bytes(b"half a block")
    np.save(kept / "0123.vectors.npy", np.zeros((4, 32), dtype=np.float16))  # its keys were never written
    heard: list[tuple[int, int]] = []
    again = teacher_vectors(str(folder), TEXTS, tmp_path / "stopped", block=4, progress=lambda *told: heard.append(told))
    np.testing.assert_array_equal(again, straight)
    assert heard == [[(4, 6), (6, 6)], [(2, 2)]][done - 1]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_refused_and_not_kept(tmp_path: Path, value: float) -> None:
    broken = tiny_encoders.build(heads=(random_head(32, "linear", training_only=False),))
    with torch.no_grad():
        for parameter in broken.heads.parameters():
            parameter.fill_(value)
    save_encoder(broken, tmp_path / "teacher")
    with pytest.raises(DataError, match=f"gives to '{TEXTS[0][:5]}.*no direction"):
        teacher_vectors(str(tmp_path / "teacher"), TEXTS, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_an_empty_text_has_a_vector_like_any_other(folder: Path, tmp_path: Path) -> None:
    vectors = teacher_vectors(str(folder), ["", TEXTS[0]], tmp_path)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1.0, atol=2e-3)


def test_no_text_at_all(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no text"):
        teacher_vectors(str(folder), [], tmp_path)
