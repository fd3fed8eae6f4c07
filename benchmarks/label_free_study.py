"""Does anything that needs no labels tell whether it helped?

Each set is divided by units that share no text. On the sentences of one half an encoder is trained and whitened in many ways,
good ones and bad ones, and every signal is computed; the labels of the other half say what each way gained.
One JSON object a line: the set, the encoder, what was done to it, the signals, the gain.

    python benchmarks/label_free_study.py --data DIR --model mini --set bq-groups
    python benchmarks/label_free_study.py --read docs/results/label_free.jsonl --write docs/label-free.md \
        --worth src/juyi/adaptation/signal_worth.toml

With `--steps 0` an encoder is measured as it is and whitened.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapt_study import SETS, divided, figure
from juyi.adaptation import Evidence
from juyi.adaptation.backbone import Backbone
from juyi.adaptation.evidence import limited
from juyi.adaptation.portfolio import Treatment
from juyi.adaptation.unlabelled import other_encoder
from juyi.augmentation import DeleteWords
from juyi.data import normalise
from juyi.encoder import EncoderSettings, fast_precision, load_encoder
from juyi.evaluation import SentencePairs
from juyi.metrics import participation_ratio, spearman, unit_rows
from juyi.objectives import SimCSEUnsupervised
from juyi.tasks import BootstrappedScore
from juyi.training import TrainingSettings, fit
from juyi.types import Embeddings, Encode
from label_free_tables import write, write_worth

RATES = (1e-5, 1e-4, 1e-3)
LENGTHS = (10, 40, 120)
MILD, WHITENINGS = (0.0, 0.1), (0.5, 1.0)
TEXTS = 4_000
SENTENCES = 1_000
LABELS = 2_000
TWINS = 500
TEMPERATURE = 0.05


def main() -> None:
    """Measure and print, or put what was measured into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder that holds faq/ and zh_sts/")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="default: all")
    parser.add_argument("--model", default="mini", help="folder, hub id, embedded encoder")
    parser.add_argument("--random", action="store_true", help="draw the model's weights anew")
    parser.add_argument("--steps", type=int, default=max(LENGTHS), help="of training; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--read", type=Path, help="what was measured before")
    parser.add_argument("--write", type=Path, help="put its tables into this page")
    parser.add_argument("--worth", type=Path, help="write down here what juyi adapt says of the signals")
    arguments = parser.parse_args()
    if arguments.read:
        records = [json.loads(line) for line in arguments.read.read_text(encoding="utf-8").splitlines()]
        if len({record["set"] for record in records}) < 2:
            parser.error(f"{arguments.read} holds fewer than two sets; each is judged by what was learned on the others")
        if arguments.write:
            write(records, arguments.write)
        if arguments.worth:
            write_worth(records, arguments.worth)
        return
    if arguments.data is None:
        parser.error("--data is needed to measure, --read to make tables of what was measured")
    for name in arguments.sets or SETS:
        for record in measured(name, SETS[name](arguments.data), arguments):
            print(json.dumps(record, ensure_ascii=False), flush=True)


def measured(name: str, evidence: Evidence, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The records of one set and one encoder, that of the encoder as it is first."""
    given, held = divided(evidence, arguments.seed)
    texts = list({normalise(text): text for row in given.rows() for text in row}.values())
    np.random.default_rng(arguments.seed).shuffle(texts)
    texts = texts[:TEXTS]
    given, held = (limited(each, LABELS, seed=arguments.seed) for each in (given, held))
    settings = EncoderSettings(model=arguments.model, random_weights=arguments.seed if arguments.random else None)
    probe = Probe.of(texts[:SENTENCES], load_encoder(settings).encode, seed=arguments.seed)
    raw: BootstrappedScore | None = None
    for way, backbone, treatment in ways(settings, texts, arguments):
        found = figure(name, given, held, backbone.similarity(treatment))
        if raw is None:  # the first way
            raw, before = found, probe.pairs.cosines(backbone.encode)
        difference = found.difference(raw)
        assert difference is not None
        yield {
            "benchmark": "label-free",
            "set": name,
            "model": Path(arguments.model).name + (", random weights" if arguments.random else ""),
            "other": probe.other_name,
            "way": way,
            "seed": arguments.seed,
            "metric": found.score.metric,
            "count": found.score.count,
            "units": found.score.units,
            "value": found.score.value,
            "gain": [difference.value, difference.interval.low, difference.interval.high],
            "signals": probe.signals(backbone, treatment, before),
        }


def ways(
    settings: EncoderSettings, texts: Sequence[str], arguments: argparse.Namespace
) -> Iterator[tuple[str, Backbone, Treatment]]:
    """What is done to an encoder: nothing, whitening, training at several rates and for several numbers of steps, and both."""

    def whitened(backbone: Backbone, name: str, strengths: Sequence[float]) -> Iterator[tuple[str, Backbone, Treatment]]:
        for strength in (None, *strengths):
            whitening = "" if strength is None else f"whitening {strength:g}"
            yield ", ".join(filter(None, (name, whitening))) or "raw", backbone, Treatment(whitening=strength)

    yield from whitened(Backbone(load_encoder(settings), texts), "", (*MILD, *WHITENINGS))
    steps = [each for each in LENGTHS if each <= arguments.steps]
    for rate in RATES if steps else ():
        # A run of its own for each number of steps: the rate falls to nothing within each.
        for count in steps:
            encoder = load_encoder(settings)
            training = TrainingSettings(
                batch_size=32, chunk_size=32, learning_rate=rate, steps=count, seed=arguments.seed, precision=fast_precision()
            )
            with tempfile.TemporaryDirectory() as folder:
                rows = {"text": encoder.tokenize(texts)}
                fit(encoder, SimCSEUnsupervised(temperature=TEMPERATURE), rows, training, folder=Path(folder), device="cpu")
            yield from whitened(Backbone(encoder, texts), f"rate {rate:g}, {count} steps", WHITENINGS)


@dataclass(frozen=True)
class Probe:
    """Sentences without labels, and what is asked of an encoder about them.

    Attributes:
        pairs: Of the sentences.
        overlap: The word overlap of each pair, (pairs,).
        other_name: The encoder that agreement is measured with, as `juyi adapt` takes it.
        other: The cosine of each pair by it, (pairs,).
        twins: The first of the sentences, without some of their words.
    """

    pairs: SentencePairs
    overlap: NDArray[np.float64]
    other_name: str
    other: NDArray[np.float64]
    twins: list[str]

    @classmethod
    def of(cls, texts: list[str], encode: Encode, *, seed: int) -> Probe:
        """The probe of some sentences for an encoder."""
        rng = np.random.default_rng(seed)
        pairs = SentencePairs.drawn(texts, rng)
        twins = DeleteWords(rate=0.3)(texts[:TWINS], rng)
        return cls(pairs, pairs.overlaps(), *other_encoder(pairs, encode), twins)

    def signals(self, backbone: Backbone, treatment: Treatment, before: NDArray[np.float64]) -> dict[str, float]:
        """Every signal of an encoder; `before` are the cosines by the encoder as it was, (n,)."""
        encode, texts = partial(backbone.encode, treatment=treatment), self.pairs.texts
        vectors, cosines = encode(texts), self.pairs.cosines(encode)
        shape = backbone.signals(texts, treatment)
        found = {
            "uniformity": shape.uniformity,
            "anisotropy": shape.anisotropy,
            "effective rank": shape.effective_rank,
            "participation ratio": participation_ratio(vectors),
            "largest share": shape.largest_share,
            "agreement with word overlap": spearman(cosines, self.overlap),
            "agreement with another encoder": spearman(cosines, self.other),
            "agreement with the encoder before": spearman(cosines, before),
            **twin_signals(encode(self.twins), vectors),
        }
        if shape.alignment is not None and (views := backbone.views(texts, treatment)) is not None:
            loss = contrastive_loss(*views)
            found |= {
                "alignment": shape.alignment,
                "alignment + uniformity": shape.alignment + shape.uniformity,
                "SimCSE loss": loss,
            }
        return found


def twin_signals(twins: Embeddings, vectors: Embeddings) -> dict[str, float]:
    """How well a sentence that lost words finds itself again among the others.

    Shapes:
        twins: (m, dim), of the first m sentences.
        vectors: (n, dim)
    """
    cosines = unit_rows(twins, "twins") @ unit_rows(vectors, "vectors").T
    own = cosines[np.arange(len(twins)), np.arange(len(twins))]
    spread = float(cosines.std())
    cosines[np.arange(len(twins)), np.arange(len(twins))] = -np.inf
    best = cosines.max(axis=1)
    return {"twin found": float((own > best).mean()), "twin margin": float((own - best).mean()) / max(spread, 1e-12)}


def contrastive_loss(first: Embeddings, second: Embeddings) -> float:
    """InfoNCE of two dropout views, every other sentence a negative (SimCSE eq. 1).

    Shapes:
        first, second: (n, dim)
    """
    logits = (unit_rows(first, "first") @ unit_rows(second, "second").T).astype(np.float64) / TEMPERATURE
    peaks = logits.max(axis=1)
    return float((np.log(np.exp(logits - peaks[:, None]).sum(axis=1)) + peaks - np.diag(logits)).mean())


if __name__ == "__main__":
    main()
