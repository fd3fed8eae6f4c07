"""The walk of the main job's texts: an encoder is loaded once, sentences are chosen once, each backbone reads each text once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from juyi.data import ScoredPairs
from juyi.encoder import Encoder, EncoderSettings, load_encoder
from juyi.experiments.adapt import adapt
from juyi.experiments.examples import select_examples


def adapted(noted, folder: Path, out: Path, sentences: list[str], pairs: ScoredPairs | None) -> dict[str, list[dict[str, Any]]]:
    texts = [*sentences, *sentences[:20]]
    with noted(load_encoder, select_examples, Encoder.encode) as calls:
        adapt(texts, out, settings=EncoderSettings(model=str(folder)), pairs=pairs, queries=["信用卡丢了", sentences[0]])
    return calls


def encoded(calls: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    """What each backbone encoded: the embedded encoder that is compared with, the user's as it was, the user's after training."""
    texts: dict[int, list[str]] = {}
    for call in calls["encode"]:
        texts.setdefault(id(call["self"].backbone), []).extend(call["texts"])
    return sorted(texts.values(), key=len)


def test_each_text_goes_once_through_each_backbone(noted, stand_in, sentences: list[str], tmp_path: Path) -> None:
    pairs = ScoredPairs(sentences[:30], sentences[25:55], np.arange(30.0) % 6)
    folder = stand_in("bert")
    calls = adapted(noted, folder, tmp_path / "out", sentences, pairs)
    assert [call["settings"] for call in calls["load_encoder"]] == [EncoderSettings(model=str(folder)), "mini"]
    assert len(calls["select_examples"]) == 1
    compared, *own = encoded(calls)
    assert len(own) == 2
    assert compared == sentences
    for texts in own:
        assert len(texts) == len(set(texts))
        assert set(texts) == {*sentences, "信用卡丢了"}


def test_the_sheet_of_pairs_costs_no_further_encoding(noted, stand_in, sentences: list[str], tmp_path: Path) -> None:
    calls = adapted(noted, stand_in("bert"), tmp_path / "out", sentences, None)
    assert (tmp_path / "out" / "pairs_to_label.tsv").is_file()
    for texts in encoded(calls)[1:]:
        assert len(texts) == len(set(texts)) == len(sentences) + 1
