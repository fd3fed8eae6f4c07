"""The commands that answer at once."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.calibration import Calibration, write_calibrations
from juyi.cli.main import COMMANDS


def test_help_teaches(juyi) -> None:
    done = juyi("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    assert "juyi adapt questions.txt" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(juyi, name: str) -> None:
    done = juyi(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_similar(juyi) -> None:
    done = juyi("similar", "怎么还信用卡", "信用卡如何还款", "怎么还信用卡")
    near, same = map(float, done.stdout.split())
    assert same == pytest.approx(1.0, abs=1e-4)
    assert -1 <= near < 1
    row = json.loads(juyi("similar", "--format", "jsonl", "a", "b").stdout)
    assert row["sentence1"] == "a"
    assert row["sentence2"] == "b"


def test_similar_says_what_a_similarity_is_worth_where_the_model_knows(juyi, tmp_path: Path) -> None:
    model = shutil.copytree(EMBEDDED["mini"], tmp_path / "m")
    known = Calibration("pair", 12.0, -9.0, 200, 100, 0.4, 0.03, 0.95, "0123", ())
    write_calibrations(model, [known])
    done = juyi("similar", "怎么还款", "如何还款", "-m", model, "--format", "jsonl")
    record = json.loads(done.stdout)
    assert record["probability"] == pytest.approx(float(known.probability(record["cosine"])))
    assert "as likely as not mean the same at 0.75" in done.stderr


def test_wrong_use_is_exit_code_2_and_one_paragraph(juyi, tmp_path: Path) -> None:
    for arguments in (
        ["similar", "one"],
        ["similar", "a", " "],
        ["nonsense"],
        ["encode", "--engine", "abacus"],
        ["recipes", "show", "simcse/chinese-bojon"],
    ):
        done = juyi(*arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    assert "simcse/chinese-bojone" in done.stderr


def test_failures_are_exit_code_1_and_name_the_file(juyi, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "bad.txt").write_bytes("怎么还信用卡\n".encode() + b"\xff\n")
    for file, words in (("empty.txt", "empty"), ("bad.txt", "line 2: byte 0xff"), ("none.txt", "none.txt")):
        done = juyi("encode", tmp_path / file)
        assert done.returncode == 1, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert "Traceback" in juyi("--traceback", "encode", tmp_path / "none.txt").stderr


def test_encode_writes_npy_jsonl_and_csv_and_reads_stdin(juyi, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("怎么还信用卡\n今天天气不错\n", encoding="utf-8")
    assert juyi("encode", texts, "-o", tmp_path / "out.npy").returncode == 0
    vectors = np.load(tmp_path / "out.npy")
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32
    lines = [json.loads(line) for line in juyi("encode", "-", stdin=texts.read_text(encoding="utf-8")).stdout.splitlines()]
    assert [line["text"] for line in lines] == ["怎么还信用卡", "今天天气不错"]
    np.testing.assert_allclose([line["embedding"] for line in lines], vectors, atol=1e-6)
    juyi("encode", texts, "-o", tmp_path / "out.csv", "--normalise")
    unit = np.loadtxt(tmp_path / "out.csv", delimiter=",")
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
    wrong = juyi("encode", texts, "-o", tmp_path / "out.xyz")
    assert wrong.returncode == 2 and "name the output .npy" in " ".join(wrong.stderr.split())
    command = [sys.executable, "-m", "juyi.cli.main", "encode", str(texts), "--format", "npy"]
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # a pipe, in which nothing can be put right later
    np.testing.assert_array_equal(np.load(io.BytesIO(piped)), vectors)


LIGHT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "sentence_transformers", "scipy", "sklearn", "pydantic", "pandas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
sys.meta_path.insert(0, Absent())
from juyi.cli.main import main
main()
"""


def test_to_encode_is_quick_to_start_needs_no_torch_and_warns_of_nothing(tmp_path: Path) -> None:
    """What is imported is what takes the time: no scipy and no pydantic, which other commands need."""
    (tmp_path / "a.txt").write_text("怎么还信用卡\n", encoding="utf-8")
    command = [sys.executable, "-W", "error", "-c", LIGHT, "encode", str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    understood, engine, wrote = done.stderr.splitlines()
    assert understood == f"{tmp_path / 'a.txt'}: txt, utf-8." and wrote == f"Wrote 1 vectors of 384 to {tmp_path / 'a.npy'}"
    assert engine.startswith("Engine: openvino in ")


def test_graphs_of_another_tool_are_told_and_torch_runs_the_model(juyi, tmp_path: Path) -> None:
    model = shutil.copytree(EMBEDDED["mini-base"], tmp_path / "m")
    facts = json.loads(juyi("models", "show", model, "--format", "json").stdout)
    assert facts["onnx graph"] == facts["openvino graph"] == "yes"
    for graph in ("model.onnx", "openvino.xml"):
        (model / graph).write_bytes(b"")
    facts = json.loads(juyi("models", "show", model, "--format", "json").stdout)
    assert facts["onnx graph"] == "no: its model.onnx was exported by another tool"
    assert facts["openvino graph"] == "no: its openvino.xml was made by another tool"
    done = juyi("similar", "怎么还款", "如何还款", "-m", model)
    assert done.returncode == 0 and done.stderr.count("is left aside") == done.stderr.count("another tool") == 2
    refused = juyi("similar", "怎么还款", "如何还款", "-m", model, "--engine", "onnx")
    assert refused.returncode == 1 and "--engine torch" in refused.stderr


def test_data_check_counts_and_finds_leakage(juyi, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("怎么还信用卡\n怎么还信用卡？\n今天天气不错\n", encoding="utf-8")
    (tmp_path / "test.txt").write_text("今天天气不错！\n", encoding="utf-8")
    facts = json.loads(
        juyi("data", "check", tmp_path / "train.txt", "--against", tmp_path / "test.txt", "--format", "json").stdout
    )
    assert facts["rows"] == 3
    assert 1 in [value for key, value in facts.items() if "leak" in key or "against" in key]
    done = juyi("data", "check", tmp_path / "train.txt")
    assert "rows" in done.stdout
    assert "•" in done.stdout  # advice


def test_recipes_and_models(juyi) -> None:
    names = {row["recipe"] for row in json.loads(juyi("recipes", "list", "--format", "json").stdout)}
    assert {"simcse/chinese-bojone", "simcse/unsup-princeton", "pretrain/mini-base"} <= names
    assert "negatives" in juyi("recipes", "show", "simcse/chinese-bojone").stdout
    facts = json.loads(juyi("models", "show", "--format", "json").stdout)
    assert facts["type"] == "modernbert"
    assert facts["onnx graph"] == "yes"
    assert "# mini" in juyi("models", "show", "--card").stdout
    assert juyi("models", "show", "/nowhere").returncode == 1


def test_models_list_says_what_the_cards_say(juyi) -> None:
    rows = {row["model"].split()[0]: row for row in json.loads(juyi("models", "list", "--format", "json").stdout)}
    assert set(rows) == set(EMBEDDED)
    assert rows[DEFAULT_ENCODER]["model"].endswith("(default)")
    for name, folder in EMBEDDED.items():
        weights = load_file(folder / "model.safetensors")
        assert rows[name]["parameters"] == f"{sum(w.size for w in weights.values()) / 1e6:.1f} M"
        assert float(rows[name]["size"].removesuffix(" MB")) < 25
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert f"# {name}, version {rows[name]['version']}" in card
        assert f"{rows[name]['STS-B']:.1f}" in card.partition("\n---\n")[2]  # the figure is also where people read it


def test_doctor_is_well(juyi) -> None:
    done = juyi("doctor", "--format", "json")
    assert done.returncode == 0
    parts = {row["part"]: row["state"] for row in json.loads(done.stdout)}
    assert parts["embedded encoder"] == "works"
    assert parts["bfloat16"] in ("fast", "slow")


def test_what_a_model_does_not_say_is_said_once(run, stand_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stand_in("bert"), "mini")
    Path("texts.txt").write_text("今天天气很好\n怎么还信用卡\n", encoding="utf-8")
    Path("pairs.tsv").write_text("今天天气很好\t天气\t5\n怎么还信用卡\t天气\t0\n退货\t退款\t3\n", encoding="utf-8")
    commands = (
        ("similar", "-m", "mini", "a", "b"),
        ("encode", "texts.txt", "-m", "mini"),
        ("evaluate", "mini", "--suite", "pairs.tsv"),
        ("whiten", "-m", "mini", "--texts", "texts.txt", "-o", "whitened"),
        ("export", "-m", "mini", "-o", "exported"),
        ("models", "show", "mini"),
    )
    for command in commands:
        done = run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("Pooling: last-avg, because the folder names none") == 1, command
        assert done.stderr.count("Model: mini is the folder ./mini here") == 1, command
    for command in (("similar", "-m", "exported", "a", "b"), ("similar", "-m", "./mini", "--pooling", "cls", "a", "b")):
        assert run(*command).stderr == ""
    assert run("similar", "-m", "embedded:mini", "a", "b").stderr == ""
