from __future__ import annotations

import hashlib
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.assets import EMBEDDED
from juyi.compatibility import MtebEncoder
from juyi.embeddings import cosine_rows
from juyi.encoder import load_encoder
from juyi.engines import open_engine
from juyi.errors import MissingExtraError, UsageError
from juyi.metrics import spearman
from juyi.tokenization import chunks_by_tokens
from juyi.types import Embeddings

pytestmark = pytest.mark.parity

FIRST = ["今天天气很好，我们去公园散步。", "信用卡怎么申请？", "一只猫在垫子上睡觉", "一个男人正在弹钢琴", "水会结冰"]
SECOND = ["今天的天气非常好，适合去公园走走。", "我想办理一张信用卡。", "猫坐在垫子上", "男孩在弹吉他", "股票大跌"]
GOLD = [4.6, 4.1, 3.8, 2.0, 0.0]


@pytest.fixture(scope="module")
def mteb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Mteb, which makes a folder for its results as soon as it is imported: not in the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTEB_CACHE", str(tmp_path_factory.mktemp("mteb")))
        yield pytest.importorskip("mteb")


def metadata(name: str, kind: str, main_score: str) -> Any:
    from mteb.abstasks.task_metadata import TaskMetadata

    return TaskMetadata(
        name=name,
        description="Rows of this test.",
        type=kind,
        dataset={"path": "none", "revision": "1"},
        eval_langs=["cmn-Hans"],
        main_score=main_score,
    )


@pytest.fixture
def sts(mteb: Any) -> Any:
    from datasets import Dataset
    from mteb.abstasks.sts import AbsTaskSTS

    class SmallSTS(AbsTaskSTS):  # type: ignore[misc, unused-ignore]
        metadata = metadata("SmallSTS", "STS", "cosine_spearman")

        def load_data(self, *args: Any, **kwargs: Any) -> None:
            self.dataset = {"test": Dataset.from_dict({"sentence1": FIRST, "sentence2": SECOND, "score": GOLD})}
            self.data_loaded = True

    return SmallSTS()


@pytest.fixture
def retrieval(mteb: Any) -> Any:
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval

    class SmallRetrieval(AbsTaskRetrieval):  # type: ignore[misc, unused-ignore]
        metadata = metadata("SmallRetrieval", "Retrieval", "ndcg_at_10")

        def load_data(self, *args: Any, **kwargs: Any) -> None:
            rows = {
                "queries": Dataset.from_dict({"id": [f"q{i}" for i in range(len(FIRST))], "text": FIRST}),
                "corpus": Dataset.from_dict({"id": [f"d{i}" for i in range(len(SECOND))], "text": SECOND}),
                "relevant_docs": {f"q{i}": {f"d{(i + 1) % len(SECOND)}": 1} for i in range(len(FIRST))},
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": rows}}
            self.data_loaded = True

    return SmallRetrieval()


@pytest.fixture
def evaluate(mteb: Any, tmp_path: Path) -> Callable[[MtebEncoder, Any], dict[str, Any]]:
    cache = mteb.ResultCache(cache_path=tmp_path)

    def scores(encoder: MtebEncoder, task: Any) -> dict[str, Any]:
        (result,) = mteb.evaluate(encoder, task, cache=cache, show_progress_bar=False, co2_tracker=False).task_results
        assert list(tmp_path.rglob(f"{task.metadata.name}.json"))
        (found,) = result.scores["test"]
        return dict(found)

    return scores


def drawn(seed: int) -> Callable[[Sequence[str]], Embeddings]:
    """Vectors drawn for each text on its own, the same ones each time."""

    def encode(texts: Sequence[str]) -> Embeddings:
        digests = [hashlib.sha256(f"{seed}{text}".encode()).digest() for text in texts]
        return np.array([[byte - 127.5 for byte in digest[:7]] for digest in digests], dtype=np.float32).reshape(-1, 7)

    return encode


def test_sts_gives_the_figure_of_juyi(sts: Any, evaluate: Any) -> None:
    engine = open_engine("mini")
    wanted = spearman(cosine_rows(engine.encode(FIRST), engine.encode(SECOND)), GOLD)
    found = evaluate(MtebEncoder("mini"), sts)
    assert found["cosine_spearman"] == found["main_score"] == pytest.approx(wanted, abs=1e-6)
    assert found["spearman"] == pytest.approx(wanted, abs=1e-6)  # of our own similarity_pairwise
    assert 0.3 < wanted < 1


def test_retrieval_ranks_by_the_cosine(retrieval: Any, evaluate: Any) -> None:
    queries, documents = (open_engine("mini").encode(texts) for texts in (FIRST, SECOND))
    gains = []
    for i, query in enumerate(queries):
        cosines = cosine_rows(np.tile(query, (len(documents), 1)), documents)
        rank = 1 + int((cosines > cosines[(i + 1) % len(documents)]).sum())
        gains.append(1 / math.log2(rank + 1))
    assert evaluate(MtebEncoder("mini"), retrieval)["ndcg_at_10"] == pytest.approx(np.mean(gains), abs=1e-5)
    assert np.ptp(gains) > 0


def test_results_of_other_weights_are_not_taken_for_these(sts: Any, evaluate: Any) -> None:
    found = [evaluate(MtebEncoder(drawn(seed), name="one-name"), sts)["main_score"] for seed in (0, 1)]
    assert found == pytest.approx([spearman(cosine_rows(drawn(s)(FIRST), drawn(s)(SECOND)), GOLD) for s in (0, 1)], abs=1e-6)
    assert found[0] != found[1]


def test_it_speaks_the_protocol_and_says_what_it_is(mteb: Any) -> None:
    from mteb.models import EncoderProtocol

    encoder = MtebEncoder()
    assert isinstance(encoder, EncoderProtocol)
    meta, same = encoder.mteb_model_meta, load_encoder("mini")
    assert (meta.name, meta.similarity_fn_name.value) == ("juyi/mini", "cosine")
    assert (meta.embed_dim, meta.max_tokens) == (same.dim, same.max_length)
    assert meta.n_parameters == sum(parameter.numel() for parameter in same.parameters())
    assert meta.license is meta.training_datasets is meta.languages is None


@pytest.mark.usefixtures("mteb")
def test_the_revision_of_a_folder_is_its_content(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(EMBEDDED["mini"], tmp_path / name)
    one, two = (MtebEncoder(tmp_path / name).mteb_model_meta for name in ("one", "two"))
    assert (one.name, two.name) == ("juyi/one", "juyi/two")
    assert one.revision == two.revision == MtebEncoder("mini", engine="torch").mteb_model_meta.revision
    pooling = tmp_path / "two" / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text() + "\n")
    assert MtebEncoder(tmp_path / "two").mteb_model_meta.revision != one.revision


@pytest.mark.usefixtures("mteb")
def test_a_model_of_the_hub_has_its_commit_as_revision(tmp_path: Path) -> None:
    folder = tmp_path / "models--owner--some-model" / "snapshots" / "0a1b2c"
    shutil.copytree(EMBEDDED["mini"], folder)
    meta = MtebEncoder(folder).mteb_model_meta
    assert (meta.name, meta.revision) == ("juyi/some-model", "0a1b2c")


@pytest.mark.usefixtures("mteb")
def test_functions_and_objects_that_encode_are_taken() -> None:
    class Given:
        def encode(self, texts: Sequence[str]) -> Embeddings:
            return drawn(0)(texts)

    function, thing = MtebEncoder(drawn(0)), MtebEncoder(Given())
    assert (function.mteb_model_meta.name, thing.mteb_model_meta.name) == ("juyi/function", "juyi/Given")
    assert function.mteb_model_meta.revision == thing.mteb_model_meta.revision != MtebEncoder(drawn(1)).mteb_model_meta.revision
    assert (thing.mteb_model_meta.embed_dim, thing.mteb_model_meta.n_parameters) == (7, None)
    assert MtebEncoder(drawn(0), name="me/mine").mteb_model_meta.name == "me/mine"
    vectors = thing.encode([{"text": FIRST[:4]}, {"text": FIRST[4:]}], batch_size=4)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, drawn(0)(FIRST))
    assert thing.encode([]).shape == (0, 7)


@pytest.mark.usefixtures("mteb")
def test_similarities_are_cosines() -> None:
    encoder, rng = MtebEncoder(drawn(0)), np.random.default_rng(0)
    one, other = rng.normal(size=(2, 9, 33)).astype(np.float32)
    wanted = [cosine_rows(np.tile(row, (9, 1)), other) for row in one]
    np.testing.assert_allclose(encoder.similarity(one, other[:5]), np.array(wanted)[:, :5], atol=1e-6)
    np.testing.assert_allclose(encoder.similarity_pairwise(one, other), np.diag(wanted), atol=1e-6)


@pytest.mark.usefixtures("mteb")
def test_batch_tokens_reach_the_engine(noted) -> None:
    with noted(chunks_by_tokens) as calls:
        MtebEncoder("mini", engine="onnx", batch_tokens=77)
    assert {call["batch_tokens"] for call in calls["chunks_by_tokens"]} == {77}


@pytest.mark.usefixtures("mteb")
def test_what_cannot_be_evaluated_is_refused() -> None:
    with pytest.raises(UsageError, match="of the type int, which does not encode"):
        MtebEncoder(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"shape \(1, 7\) for 3 texts"):
        MtebEncoder(lambda texts: drawn(0)(texts[:1]))
    with pytest.raises(UsageError, match="precision is 'int8'"):
        MtebEncoder(drawn(0)).encode([{"text": FIRST}], precision="int8")
    with pytest.raises(UsageError, match="NaN or infinite"):
        MtebEncoder(lambda texts: np.where(np.isin(texts, FIRST[1])[:, None], np.nan, drawn(0)(texts))).encode([{"text": FIRST}])


def test_the_benchmark_of_the_docstring_exists(mteb: Any) -> None:
    assert 'mteb.get_benchmark("MTEB(cmn, v1)").tasks' in (MtebEncoder.__doc__ or "")
    tasks = mteb.get_benchmark("MTEB(cmn, v1)").tasks
    assert {"ATEC", "BQ", "LCQMC", "PAWSX", "STSB", "T2Retrieval"} < {task.metadata.name for task in tasks}


def test_without_mteb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mteb"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(MissingExtraError, match=r"juyi\[mteb\]"):
        MtebEncoder("mini")


def test_the_import_needs_neither_mteb_nor_torch() -> None:
    code = "import juyi.compatibility, sys; print([m for m in ('mteb', 'torch', 'datasets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
