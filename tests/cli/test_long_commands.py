"""The commands that train or measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from juyi.assets import SAMPLES
from juyi.data import read_scored_pairs, read_texts
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.evaluation import FusedSimilarity
from juyi.layout import read_layout
from juyi.similarity_settings import read_similarity_settings


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "questions.txt"
    path.write_text("\n".join(read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts[:120]) + "\n", encoding="utf-8")
    return path


PORTFOLIO = """
name = "small"
[[encoder]]
name = "raw"
treatments = [{ overlap = 0.3 }]
[[encoder]]
name = "simcse"
[encoder.training]
objective = { kind = "simcse-unsupervised" }
fewest_steps = 2
most_rows = 8
"""


def test_adapt_with_labels(juyi, texts: Path, tmp_path: Path, with_graph: Path) -> None:
    (tmp_path / "small.toml").write_text(PORTFOLIO, encoding="utf-8")
    for name in ("faq_paraphrases.tsv", "pairs.tsv"):  # a part of them: what they are worth is not asked here
        lines = (SAMPLES / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / name).write_text("".join(lines[:141]), encoding="utf-8")
    out, faq, labelled = tmp_path / "out", tmp_path / "faq_paraphrases.tsv", tmp_path / "pairs.tsv"
    labels = ["--groups", faq, "--corpus", SAMPLES / "faq.tsv", "--pairs", labelled, "-m", with_graph]
    done = juyi("adapt", texts, *labels, "-o", out, "--query", "信用卡丢了", "--portfolio", tmp_path / "small.toml")
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [each["evidence"] for each in report["evidence"]] == ["groups", "pairs"]
    groups, pairs = report["evidence"]
    assert (groups["metric"], pairs["metric"]) == ("mrr@10", "spearman")
    for table in report["evidence"]:
        raw, fused = (table["scores"][name][0]["value"] for name in ("raw", "raw + overlap 0.3"))
        difference = table["differences"]["raw + overlap 0.3-raw"]
        assert difference["value"] == pytest.approx(fused - raw, abs=1e-6)
        assert difference["interval"][0] <= fused - raw <= difference["interval"][1]
    assert pairs["count"] == len(read_scored_pairs(labelled)) == 140
    assert f"recommended: {report['recommended']}" in done.stdout
    assert report["verdict"].split(":")[0] in done.stdout
    assert "search: 信用卡丢了" in done.stdout and "word overlap" in done.stdout
    assert f"juyi similar -m {out / 'model'}" in done.stdout
    # What is written is what was measured.
    from juyi.tasks import STS

    task, settings = STS("pairs", "given", read_scored_pairs(labelled)), read_similarity_settings(out / "model")
    similarity = FusedSimilarity(load_encoder(out / "model").encode, settings.overlap)
    measured = pairs["scores"][report["recommended"]][0]["value"]
    assert task.evaluate(similarity)[0].value == pytest.approx(measured, abs=0.05)


def test_adapt_without_labels_writes_a_sheet_and_uses_what_was_filled_in(
    juyi, texts: Path, tmp_path: Path, with_graph: Path
) -> None:
    (tmp_path / "small.toml").write_text(PORTFOLIO, encoding="utf-8")
    out = tmp_path / "out"
    adapt = ("adapt", texts, "-m", with_graph, "-o", out, "--format", "json", "--portfolio", tmp_path / "small.toml")
    done = juyi(*adapt)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["evidence"] == [] and report["gain"] is None and report["recommended"] == "raw"
    assert "nothing is claimed" in report["verdict"]
    sheet = (out / "pairs_to_label.csv").read_text(encoding="utf-8-sig").splitlines()
    assert sheet[0] == "id,sentence1,sentence2,score"
    assert len(sheet) == 101
    # In two sittings: a word that is no score, a step back, a pair that is skipped, and the end of the input.
    first = juyi("label", out, stdin="5\n0\nfive\nb\n1\n?\ns\n4\nq\n")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("3 labelled, 97 open")
    assert "nothing to do with each other" in first.stderr and "[4/100]" in first.stderr
    second = juyi("label", out, stdin="\n".join("0123"[number % 4] for number in range(60)))
    assert second.stdout.startswith("63 labelled, 37 open")
    assert juyi("label", out, "--more", 50).returncode == 0
    done = juyi(*adapt)
    assert done.returncode == 0, done.stderr
    assert "63 pairs are labelled, 87 are open" in done.stderr
    (found,) = json.loads(done.stdout)["evidence"]
    assert (found["evidence"], found["metric"], found["count"]) == ("label sheet", "spearman", 63)
    # Other sentences, and labels that are in the way.
    other = tmp_path / "other.txt"
    other.write_text("".join(f"另一个问题{number}怎么办\n" for number in range(60)), encoding="utf-8")
    refused = juyi("adapt", other, *adapt[2:])
    assert refused.returncode == 2
    assert "63 labels, and they are of other sentences" in " ".join(refused.stderr.split())


def test_label_without_a_sheet_says_how_to_get_one(juyi, tmp_path: Path) -> None:
    done = juyi("label", tmp_path)
    assert done.returncode == 2
    assert "juyi adapt FILE" in " ".join(done.stderr.split())


def test_adapt_refuses_too_few_sentences(juyi, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("一句话\n" * 100, encoding="utf-8")
    done = juyi("adapt", tmp_path / "few.txt", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "1 distinct" in done.stderr
    assert not (tmp_path / "out" / "model").exists()


def test_train_prints_the_model_and_is_repeatable(juyi, texts: Path, tmp_path: Path, with_graph: Path) -> None:
    options = ("-m", with_graph, "--set", "training.steps=4", "--set", "training.batch_size=8")
    folders = []
    for place in ("a", "b"):
        done = juyi("train", "simcse/chinese-bojone", "--texts", texts, "--runs", tmp_path / place, *options)
        assert done.returncode == 0, done.stderr
        folders.append(Path(done.stdout.strip()))
    first, second = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert first == second
    again = juyi("train", "simcse/chinese-bojone", "--texts", texts, "--runs", tmp_path / "a", *options)
    assert again.stdout.strip() == str(folders[0])
    assert "finished already" in again.stderr
    assert load_encoder(folders[0]).pooling == "cls"
    log = [json.loads(line) for line in (folders[0].parent / "log.jsonl").read_text().splitlines()]
    assert {"loss", "alignment", "uniformity"} <= set(log[0])


PAIRS = """
name = "pairs"
kind = "train-on-sources"
source = "test"
[objective]
kind = "pair-contrastive"
[training]
batch_size = 8
steps = 2
[[sources.files]]
file = "pairs.tsv"
"""


LAUNCHERS = {
    "torchrun": "torch.distributed.run --standalone --nproc-per-node 2",
    "accelerate": "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no "
    "--dynamo_backend no --main_process_port 0",
}


@pytest.mark.distributed
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_train_and_the_first_speaks(texts: Path, tmp_path: Path, with_graph: Path, launcher: str) -> None:
    """One model, one log, one line on stdout."""
    settings = [
        "--set",
        "training.steps=3",
        "--set",
        "training.log_every=1",
        "--set",
        "training.batch_size=8",
        "--set",
        "encoder.max_length=16",
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            *LAUNCHERS[launcher].split(),
            "-m",
            "juyi.cli.main",
            "train",
            "--texts",
            str(texts),
            "-m",
            str(with_graph),
            "--runs",
            str(tmp_path / "runs"),
            *settings,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert load_encoder(line).encode(["信用卡丢了"]).shape == (1, 32)
    steps = [json.loads(entry)["step"] for entry in (Path(line).parent / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert steps == [1, 2, 3]
    assert done.stderr.count("Run folder") + done.stderr.count("run folder") == 1
    assert done.stderr.count("2 processes") == 1


def test_a_launcher_that_shards_the_weights_is_refused(juyi, texts: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    done = juyi("train", "--texts", texts, "--runs", tmp_path)
    assert done.returncode == 2
    assert "FSDP" in done.stderr and "training.cached" in done.stderr


def test_train_by_a_recipe_that_names_its_files(juyi, tmp_path: Path, with_graph: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pairs.tsv").write_text("".join(f"第{i}个问题\t问题{i}\n" for i in range(20)), encoding="utf-8")
    (tmp_path / "pairs.toml").write_text(PAIRS, encoding="utf-8")
    models = []
    for place in ("a", "b"):
        places = ("--data", tmp_path / "data", "--runs", tmp_path / place)
        done = juyi("train", tmp_path / "pairs.toml", "-m", with_graph, *places)
        assert done.returncode == 0, done.stderr
        models.append(Path(done.stdout.strip()))
        assert models[-1].is_relative_to(tmp_path / place / "pairs")
    first, second = ((model / "model.safetensors").read_bytes() for model in models)
    assert first == second
    refused = juyi("train", tmp_path / "pairs.toml", "--texts", tmp_path / "data" / "pairs.tsv", "--runs", tmp_path / "c")
    assert refused.returncode == 2 and "--data" in refused.stderr


def test_train_names_an_unknown_setting(juyi, texts: Path, tmp_path: Path) -> None:
    done = juyi("train", "simcse/chinese-bojone", "--texts", texts, "--runs", tmp_path, "--set", "objective.temprature=0.1")
    assert done.returncode == 2
    assert "objective" in done.stderr
    assert "temperature" in done.stderr
    assert juyi("train", "simcse/chinese-bojone", "--runs", tmp_path).returncode == 1


def test_whiten_writes_a_folder_of_k_dimensions(juyi, texts: Path, tmp_path: Path) -> None:
    done = juyi("whiten", "--texts", texts, "-k", 32, "-o", tmp_path / "white")
    assert done.returncode == 0, done.stderr
    vectors = load_encoder(tmp_path / "white").encode(texts.read_text(encoding="utf-8").splitlines())
    assert vectors.shape == (120, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_whiten_never_replaces_a_folder_of_another_kind(juyi, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("x")
    done = juyi("whiten", "--texts", texts, "-o", tmp_path / "photos")
    assert done.returncode == 2
    assert (tmp_path / "photos" / "one.jpg").exists()


def test_pretrain_makes_a_model(juyi, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    sentences = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts
    (tmp_path / "data" / "text.txt").write_text("\n".join(sentences), encoding="utf-8")
    (tmp_path / "tiny.toml").write_text(
        """
name = "tiny"
kind = "pretrain"
source = "test"
[vocabulary]
size = 800
[backbone]
model_type = "bert"
options = { hidden_size = 32, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 64 }
[training]
batch_size = 8
steps = 3
[sources]
sequence_length = 32
files = [{ file = "text.txt" }]
""",
        encoding="utf-8",
    )
    done = juyi("pretrain", tmp_path / "tiny.toml", "--data", tmp_path / "data", "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert load_encoder(done.stdout.strip()).encode(["你好"]).shape == (1, 32)
    assert (Path(done.stdout.strip()) / "model.onnx").is_file()
    again = juyi("pretrain", tmp_path / "tiny.toml", "--data", tmp_path / "data", "--runs", tmp_path / "runs")
    assert again.stdout == done.stdout
    assert "finished already" in again.stderr
    assert juyi("pretrain", tmp_path / "tiny.toml", "--data", tmp_path, "--runs", tmp_path / "runs").returncode == 2


def test_export_halves_the_weights_and_adds_the_graph(juyi, tmp_path: Path, build) -> None:
    encoder = load_encoder(EncoderSettings(model=str(build("bert", options={"num_hidden_layers": 1})), random_weights=3))
    save_encoder(encoder, tmp_path / "full", card="# mine\n")
    done = juyi("export", "-m", tmp_path / "full", "-o", tmp_path / "small", "--max-length", "32")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small" / "README.md").read_text(encoding="utf-8") == "# mine\n"
    full, small = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "small"))
    assert small == pytest.approx(full / 2, rel=0.1)  # beside the weights there are their names
    texts = ["怎么还信用卡", "很长的一句话" * 40]
    engine = open_engine(tmp_path / "small", "onnx")
    encoder.max_length = 32
    np.testing.assert_allclose(engine.encode(texts), encoder.encode(texts), atol=5e-3)
    assert read_layout(tmp_path / "small").max_length == 32
    assert juyi("export", "-m", tmp_path / "full", "-o", tmp_path / "long", "--max-length", "100000").returncode == 1
