"""Settings of a SimCSE run that fit the amount of sentences and the size of the encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from juyi.assets import DEFAULT_ENCODER
from juyi.encoder import EncoderSettings, family_of, fast_precision, load_encoder
from juyi.experiments.recipe import DataSettings, TrainRecipe
from juyi.metrics import participation_ratio
from juyi.objectives import SimCSEUnsupervised
from juyi.training import TrainingSettings
from juyi.types import Encode

MOST_SENTENCES = 10_000
FEWEST_STEPS = 100
HIDDEN_DROPOUT = 0.3
GENTLE_DROPOUT = 0.1
ATTENTION_DROPOUT = 0.1
AS_MANY_AS = 0.88
"""The directions of an encoder that tells sentences apart, as a share of those of the embedded one; docs/log.md."""
RATES = {"wide": {False: 3e-5, True: 3e-6}, "narrow": {False: 5e-4, True: 3e-5}}
"""Learning rates for encoders of BERT-base's width and for small ones; True: gentle."""
_LOOKED_AT = 200


def default_recipe(
    sentences: int,
    width: int,
    *,
    model_type: str = "bert",
    settings: EncoderSettings = EncoderSettings(),
    gentle: bool = False,
    seed: int = 42,
) -> TrainRecipe:
    """The recipe of `juyi adapt`, and of `juyi train` where none is named.

    At most 10,000 sentences, one epoch where that gives 100 steps and as many as needed where it does not; smaller batches for
    few sentences; a learning rate by the width of the encoder.

    Args:
        sentences: Distinct sentences at hand.
        width: Width of the encoder's token vectors.
        model_type: Kind of the backbone: one without hidden dropout, a decoder, gets attention dropout alone.
        settings: What to start from; the dropout is set here.
        gentle: The encoder tells sentences apart already (`tells_apart`) and shall not unlearn it: less dropout, a lower rate.
        seed: Draws everything.

    Source:
        10,000 sentences, one epoch and hidden dropout 0.3: Su, kexue.fm 8348. The rest is measured: docs/log.md.
    """
    taken = min(sentences, MOST_SENTENCES)
    batch = 64 if taken >= 512 else 32 if taken >= 256 else 16
    steps = max(FEWEST_STEPS, taken // batch)
    hidden = (GENTLE_DROPOUT if gentle else HIDDEN_DROPOUT) if family_of(model_type).hidden else None
    return TrainRecipe(
        name="simcse/adapt",
        about="Unsupervised SimCSE on the user's own sentences, with settings that fit their number.",
        source="juyi's defaults; 10,000 sentences and one epoch as in kexue.fm 8348.",
        objective=SimCSEUnsupervised(negatives="all-views", temperature=0.05),
        encoder=replace(settings, hidden_dropout=hidden, attention_dropout=ATTENTION_DROPOUT),
        data=DataSettings(sample=MOST_SENTENCES, distinct=True, seed=seed),
        training=TrainingSettings(
            batch_size=batch,
            chunk_size=128,
            learning_rate=RATES["wide" if width >= 512 else "narrow"][gentle],
            epochs=math.ceil(steps * batch / max(taken, 1)),
            steps=steps,
            schedule="linear",
            precision=fast_precision(),
            checkpoint_every=50,
            seed=seed,
        ),
    )


def tells_apart(encode: Encode, sentences: Sequence[str]) -> bool:
    """Whether an encoder tells sentences apart already: its vectors go in as many directions as those of the embedded one.

    A masked language model spends most of its variance on few. How many there are depends on the sentences too, hence the
    comparison. The mean cosine of two sentences does not say it: with mini-base, which learned nothing of the kind, it is 0.74,
    with multilingual-e5, which did, 0.85; so directions are counted around the mean.

    Raises:
        UsageError: Fewer than two sentences, or all vectors are equal.
    """
    some = sentences[:_LOOKED_AT]
    own, embedded = (participation_ratio(each(some)) for each in (encode, load_encoder(DEFAULT_ENCODER).encode))
    return own / embedded > AS_MANY_AS
