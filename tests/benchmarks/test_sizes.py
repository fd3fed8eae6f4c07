"""Encoders of others: their sizes, what was published of them, the place on the page, and the same encoders fetched and timed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from juyi.assets import EMBEDDED
from juyi.errors import ModelError, UsageError
from juyi.tables import load_table

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import compare_encoders
from baselines import rows
from baselines.rows import hub_rows
from baselines.sizes import FIGURES, Size, chosen_models, read_sizes, size_tables

COMPARISON = Path(__file__).parents[2] / "docs" / "comparison.md"
LISTING = """
[[models]]
hub = "owner/two-blocks"
parameters = 1.25
dimensions = 6
tokens = 512
layers = 2
width = 1000
inner = 3000

[[models]]
hub = "owner/gated"
parameters = 3
dimensions = 7
layers = 1
width = 1000
inner = 3000
gated = true
queries = 2000
keys = 500
"""
PAGE = "before\n<!-- measured: other -->\nkept\n<!-- end -->\n<!-- published: small-encoders -->\nold\n<!-- end -->\nbehind\n"


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "published.toml"
    path.write_text(LISTING, encoding="utf-8")
    return path


def test_the_tables_show_sizes_and_published_figures(listing: Path) -> None:
    table, ours, figures = size_tables(read_sizes(listing), {}).split("\n\n", 2)
    _, _, first, second = table.splitlines()
    # 20: 2 · (4 · 1000² + 2 · 1000 · 3000); 14: 2·2 + 2·0.5 + 3·3
    assert first == "| [two-blocks](https://huggingface.co/owner/two-blocks) | 1.2 | 20.0 | 6 | 512 |"
    assert second == "| [gated](https://huggingface.co/owner/gated) | 3.0 | 14.0 | 7 | – |"
    assert ours.startswith("Multiply-adds a token by the same count")
    assert "| 79.30 | 70.16 | 42.67 | 31.93 | 17.21 | 26.06 |" in figures


def test_our_own_size_is_that_of_the_matrices_in_the_weights() -> None:
    with safe_open(EMBEDDED["mini"] / "model.safetensors", framework="numpy") as weights:
        shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118 (it is no dictionary)
    count = sum(int(np.prod(shape)) for name, shape in shapes.items() if len(shape) == 2 and "embed" not in name)
    _, ours, _ = size_tables(read_sizes(), {"mini": EMBEDDED["mini"]}).split("\n\n", 2)
    assert f"mini {count / 1e6:.1f} with " in ours


def test_whatever_has_figures_has_a_size() -> None:
    sizes = {model.hub for model in read_sizes().models}
    assert sizes - {row.encoder for row in load_table(FIGURES).row} == {"moka-ai/m3e-small"}
    assert {row.encoder for row in load_table(FIGURES).row} < sizes
    assert len(sizes) == len(read_sizes().models)


@pytest.mark.parametrize("model", read_sizes().models, ids=lambda model: model.name)
def test_the_shapes_make_the_parameters(model: Size) -> None:
    """The table of tokens and the blocks are nearly all of a model; one block more or fewer would be seen."""
    vocabularies = {"static": 105_879, "multilingual": 250_037, "Qwen3": 151_669}  # else that of Chinese BERT
    vocabulary = next((size for kind, size in vocabularies.items() if kind in model.name), 21_128)
    made = vocabulary * (model.width or model.dimensions) + model.multiply_adds
    assert made / 1e6 == pytest.approx(model.parameters, rel=0.025)


def test_what_the_file_cannot_say_is_refused(listing: Path) -> None:
    listing.write_text(LISTING.replace("gated =", "gate ="), encoding="utf-8")
    with pytest.raises(UsageError, match="gate"):
        read_sizes(listing)


def test_models_are_chosen_by_id_or_name(listing: Path) -> None:
    listed = read_sizes(listing)
    assert chosen_models(None, listed) == []
    assert chosen_models([], listed) == list(listed.models)
    assert [model.name for model in chosen_models(["gated", "owner/two-blocks"], listed)] == ["two-blocks", "gated"]
    with pytest.raises(UsageError, match="--hub was given 'bert'; it takes two-blocks, gated"):
        chosen_models(["bert"], listed)


def test_the_table_is_written_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    compare_encoders.main(["--published", "--write", str(page)])
    expected = size_tables(read_sizes(), EMBEDDED)
    assert page.read_text(encoding="utf-8") == PAGE.replace("\nold\n", f"\n\n{expected}\n\n")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit, match="Name the page with --write"):
        compare_encoders.main(["--published"])


def test_the_page_of_the_project_shows_the_file_as_it_is() -> None:
    text = COMPARISON.read_text(encoding="utf-8")
    section = text.split("<!-- published: small-encoders -->")[1].split("<!-- end -->")[0]
    assert section.strip() == size_tables(read_sizes(), EMBEDDED)
    # What the paragraph below the table says.
    cells = next(line for line in text.splitlines() if line.startswith("| mini | raw |")).split("|")[4:]
    mini = {name: float(cell.split()[0]) for name, cell in zip(("STS-B", "LCQMC", "BQ", "ATEC", "PAWSX"), cells, strict=False)}
    behind = {
        "static-similarity-mrl-multilingual-v1": {"STS-B", "LCQMC", "BQ", "ATEC", "PAWSX"},
        "paraphrase-multilingual-MiniLM-L12-v2": {"LCQMC", "BQ", "ATEC"},
        "multilingual-e5-small": {"BQ"},
        "text2vec-base-chinese": {"BQ"},
    }
    measured = {
        row.name: dict(zip(("STS-B", "LCQMC", "BQ", "ATEC", "PAWSX"), row.figures, strict=False))
        for row in load_table(FIGURES).row
    }
    assert behind.keys() <= measured.keys()
    for name, figures in measured.items():
        sets = {task for task in mini if figures[task] < mini[task]}
        assert sets == behind[name] if name in behind else sets <= {"PAWSX"}, name
    blocks = [model for model in read_sizes().models if model.layers and model.name in measured]
    (ours,) = re.findall(r"M: mini ([\d.]+) with", section)
    assert all(model.multiply_adds > 3e6 * float(ours) for model in blocks)


def test_encoders_of_the_hub_are_timed_and_missing_ones_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(model: str) -> Path:
        if model != "BAAI/bge-small-zh-v1.5":
            raise ModelError(f"{model} could not be fetched.")
        return EMBEDDED["mini"]

    monkeypatch.setattr(rows, "resolve", resolve)
    (tmp_path / "stsb.test.tsv").write_text(
        "".join(f"怎么还款{i}\t如何还{i % 7}款\t{i % 2}\n" for i in range(30)), encoding="utf-8"
    )
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("measured: other", "measured: cost"), encoding="utf-8")
    arguments = ["--zh", str(tmp_path), "--rows", "lexical", "--keep-cores"]
    compare_encoders.main([*arguments, "--hub", "m3e-small", "bge-small-zh-v1.5", "--write", str(page)])
    assert "the row 'm3e-small' is left out: moka-ai/m3e-small could not be fetched." in capsys.readouterr().err
    written = page.read_text(encoding="utf-8")
    assert "| bge-small-zh-v1.5 |" in written
    assert "m3e-small" not in written
    assert "\nold\n" in written
    with pytest.raises(SystemExit, match="--hub was given 'bert'"):
        compare_encoders.main([*arguments, "--hub", "bert"])


def test_a_folder_that_is_no_model_is_left_out_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "resolve", lambda _: tmp_path)
    assert not list(hub_rows(read_sizes().models[:2]))
    assert capsys.readouterr().err.count("is left out: ") == 2
