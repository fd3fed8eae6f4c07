"""The recommended model as a folder that can be put to work: weights, graph, card."""

from __future__ import annotations

from pathlib import Path

from juyi.adaptation.adaptation import Adaptation
from juyi.adaptation.portfolio import RAW, Treatment
from juyi.atomic import replaced_folder
from juyi.calibration import write_calibrations
from juyi.encoder import Encoder, save_encoder
from juyi.engines.export import add_graphs
from juyi.language import translated as _
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.provenance import copy_provenance
from juyi.similarity_settings import SimilaritySettings, write_similarity_settings
from juyi.types import Log


def write_model(
    folder: Path, encoder: Encoder, treatment: Treatment, result: Adaptation, source: Path, *, start: Path, log: Log
) -> None:
    """Write the recommended encoder in half the size with the graph for the engine without torch, whole or not at all.

    Args:
        folder: Where; an older model there is replaced.
        encoder: Whitening and all.
        treatment: Its word overlap is noted down beside the weights.
        result: What the card tells.
        source: The run it was trained in, or what was started from: its provenance goes along.
        start: What was started from: its graph may serve.
        log: Hears where no graph could be written.
    """
    with replaced_folder(folder, MODULES, NATIVE_MODULES) as draft:
        save_encoder(encoder, draft, half=True, card=card(result, folder))
        add_graphs(draft, log, start=start)
        copy_provenance(source, draft)
        write_calibrations(draft, result.calibrations.get(result.recommended, []))
        write_similarity_settings(draft, SimilaritySettings(overlap=treatment.overlap))


def card(result: Adaptation, folder: Path) -> str:
    """The model card: what it is, how it was measured, what to run next."""
    figures = []
    for each in result.tables:
        raw, own = each.raw.score, each.figures[result.recommended][0].score
        figures.append(f"| {each.evidence} | {each.metric} | {raw.value:.1f} | {own.value:.1f} | {raw.count} in {raw.units} |")
    as_it_is = _("{model} as it is; `juyi adapt` found nothing better.")
    made = as_it_is if result.recommended == RAW else _("{model}, adapted by `juyi adapt`: {candidate}.")
    made = made.format(model=result.model, candidate=result.recommended)
    heads = [_("labels"), _("metric"), "raw", _("this model"), _("items in units")]
    table = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|", *figures, ""] if figures else []
    lines = [
        *["---", "library_name: sentence-transformers", "pipeline_tag: sentence-similarity", "---", ""],
        *[f"# {folder.parent.name or folder.name}", "", made, ""],
        *[result.verdict, "", *table],
        *["```console", *next_commands(folder), "```", ""],
    ]
    return "\n".join(lines)


def next_commands(folder: Path) -> list[str]:
    """What to run with the model."""
    return [
        f'juyi similar -m {folder} "怎么还信用卡" "信用卡如何还款"',
        f"juyi encode questions.txt -m {folder} -o vectors.npy",
        f"juyi compare mini {folder} --suite held_out.tsv",
    ]
