"""What sentencepiece's trainer makes of text: the one unigram trainer that gives the same pieces again."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, cast

from juyi.errors import MissingExtraError
from juyi.extras import require


def train_sentencepiece(sentences: Iterable[str], *, purpose: str, **options: Any) -> Any:
    """A trained sentencepiece model as its protocol buffer.

    One thread learns, so that sums of floating-point numbers do not depend on the machine.

    Args:
        sentences: What it learns from.
        purpose: What it is needed for, for the message of a missing package.
        options: The trainer's flags.

    Raises:
        MissingExtraError: sentencepiece, or protobuf, which reads its models, is not installed.
    """
    sentencepiece: Any = require("sentencepiece", extra="vocabulary", purpose=purpose)
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ModuleNotFoundError as error:  # sentencepiece does not bring what its own module imports
        raise MissingExtraError("protobuf", "vocabulary", purpose) from error
    model, described = io.BytesIO(), cast(Any, sentencepiece_model_pb2)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, hard_vocab_limit=False, num_threads=1, minloglevel=2, **options
    )
    parsed: Any = described.ModelProto()
    parsed.ParseFromString(model.getvalue())
    return parsed
