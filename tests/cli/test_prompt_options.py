"""Prompts on the command line; the daily commands through a real process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.encoder import load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.prompts import Prompts

PROMPTS = Prompts({"query": "query: ", "passage": "passage: ", "STS": "句子："}, "STS")


@pytest.fixture(scope="module")
def folder(stand_in: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    encoder = load_encoder(stand_in("bert", pooler=False))
    encoder.prompts = PROMPTS
    return save_encoder(encoder, tmp_path_factory.mktemp("prompts") / "model")


@pytest.fixture
def texts(sentences: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    return path


ASKED = [
    ([], "句子：", "Prompt: '句子：' (STS) before every text"),
    (["--prompt", "query"], "query: ", "Prompt: 'query: ' (query) before every text"),
    (["--prompt", "看："], "看：", "Prompt: '看：' before every text"),
    (["--prompt", ""], "", ""),
]


@pytest.mark.parametrize(("options", "prompt", "said"), ASKED)
def test_encode_and_similar(
    options: list[str], prompt: str, said: str, juyi, run, folder: Path, sentences: list[str], tmp_path: Path
) -> None:
    done = juyi(
        "encode", "-", "-m", folder, "-o", tmp_path / "out.npy", "--precision", "float32", *options, stdin="\n".join(sentences)
    )
    assert done.returncode == 0, done.stderr
    wanted = open_engine(folder).encode([prompt + text for text in sentences], prompt="")
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), wanted, atol=1e-5)
    assert [line for line in done.stderr.splitlines() if line.startswith("Prompt")] == [said] * bool(said)
    done = run("similar", sentences[0], sentences[1], "-m", folder, "--format", "jsonl", *options)
    row = json.loads(done.stdout)
    a, b = wanted[:2].astype(float)
    assert row["cosine"] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)
    assert row["sentence1"] == sentences[0] and (said in done.stderr if said else "Prompt" not in done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["encode", "{texts}", "-m", "{model}", "--prompt", "qurey"],
        ["similar", "a", "b", "-m", "{model}", "--prompt", "qurey"],
        ["whiten", "-m", "{model}", "--texts", "{texts}", "-o", "{out}", "--prompt", "qurey"],
        ["adapt", "{texts}", "-m", "{model}", "-o", "{out}", "--prompt", "qurey"],
        ["train", "--texts", "{texts}", "-m", "{model}", "--runs", "{out}", "--prompt", "qurey"],
        ["evaluate", "{model}", "--suite", "{pairs}", "--query-prompt", "qurey"],
        ["compare", "mini", "{model}", "--suite", "{pairs}", "--precision", "float32", "--corpus-prompt", "qurey"],
    ],
)
def test_a_mistyped_name_is_wrong_use(arguments: list[str], run, folder: Path, texts: Path, pairs: Path, tmp_path: Path) -> None:
    places = {"texts": texts, "model": folder, "out": tmp_path / "out", "pairs": pairs}
    done = run(*(each.format(**places) for each in arguments))
    assert done.returncode == 2, done.stderr
    words = " ".join(done.stderr.split())
    assert "no prompt named 'qurey'" in words and ("Did you mean 'query'?" in words or arguments[0] == "compare")
    assert "Traceback" not in done.stderr and not (tmp_path / "out" / "model").exists()


@pytest.fixture
def pairs(sentences: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    rows = (f"{a}\t{b}\t{i % 5}\n" for i, (a, b) in enumerate(zip(sentences[:24], sentences[24:48], strict=True)))
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def groups(sentences: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "groups.tsv"
    path.write_text("".join(f"{i // 3}\t{text}\n" for i, text in enumerate(sentences)), encoding="utf-8")
    return path


def recall(folder: Path, sentences: list[str], query: str, corpus: str) -> float:
    engine = open_engine(folder)
    groups = np.arange(len(sentences)) // 3
    asked = np.arange(len(sentences)) % 3 > 0
    queries = engine.encode([query + t for t, a in zip(sentences, asked, strict=True) if a], prompt="", normalise=True)
    searched = engine.encode([corpus + text for text in sentences[::3]], prompt="", normalise=True)
    return float(100 * ((queries @ searched.T).argmax(1) == groups[asked]).mean())


@pytest.mark.parametrize(
    ("options", "query", "corpus"),
    [
        ([], "query: ", "passage: "),
        (["--prompt", ""], "", ""),
        (["--prompt", "query"], "query: ", "query: "),
        (["--query-prompt", "问：", "--corpus-prompt", "STS"], "问：", "句子："),
    ],
)
def test_evaluate_tells_queries_from_what_is_searched(
    options: list[str], query: str, corpus: str, run, folder: Path, groups: Path, sentences: list[str]
) -> None:
    def measured(*options: str) -> Any:
        return run("evaluate", folder, "--suite", groups, "--json", "--no-overlap", "--precision", "float32", *options)

    measured("--prompt", "passage")  # whose vectors are kept beside those of the others
    for _ in range(2):  # the second time from the cache
        done = measured(*options)
        found = {record["metric"]: record["value"] for record in done.records}
        assert found["recall@1"] == pytest.approx(recall(folder, sentences, query, corpus))
    assert ("before" in done.stderr) == bool(query)


def test_compare_by_a_suite_file_with_prompts(juyi, folder: Path, groups: Path, sentences: list[str], tmp_path: Path) -> None:
    suite = tmp_path / "suite.toml"
    task = '[[task]]\nkind = "faq-groups"\nfile = "groups.tsv"\nname = "{}"\n{}\n'
    suite.write_text(task.format("own", "") + task.format("asked", 'query_prompt = "看："\ncorpus_prompt = ""'), encoding="utf-8")
    done = juyi("compare", "mini", folder, "--suite", suite, "--json", "--no-cache", "--precision", "float32")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    found = {record["task"]: record["second_value"] for record in records if record["metric"] == "recall@1"}
    assert found["own"] == pytest.approx(recall(folder, sentences, "query: ", "passage: "))
    assert found["asked"] == pytest.approx(recall(folder, sentences, "看：", ""))
    suite.write_text(task.format("own", 'query_prompt = "query"'), encoding="utf-8")
    done = juyi("compare", "mini", folder, "--suite", suite, "--json", "--no-cache", "--precision", "float32")
    assert done.returncode != 0 and "has no prompts at all" in " ".join(done.stderr.split())


def test_whiten_and_train_keep_them(run, folder: Path, texts: Path, sentences: list[str], tmp_path: Path) -> None:
    done = run("whiten", "-m", folder, "--texts", texts, "-k", 8, "-o", tmp_path / "whitened", "--prompt", "query")
    assert done.returncode == 0 and "Prompt: 'query: ' (query) before every text" in done.stderr, done.stderr
    whitened = load_encoder(tmp_path / "whitened")
    assert whitened.prompts == PROMPTS
    vectors = whitened.heads[-1](load_encoder(folder).forward(*whitened.tensors(whitened.tokenize(sentences, prompt="query"))))
    np.testing.assert_allclose(
        np.cov(vectors.detach().numpy().T), np.eye(8), atol=0.05
    )  # white with the prompt it was fitted with
    steps = ["-o", "training.steps=2", "-o", "training.epochs=1"]
    done = run("train", "--texts", texts, "-m", folder, "--prompt", "query", "--runs", tmp_path / "runs", *steps)
    assert done.returncode == 0 and "the prompt 'query: ' (query) before each" in done.stderr, done.stderr
    model = Path(done.stdout.strip())
    assert load_encoder(model).prompts == PROMPTS
    assert 'prompt = "query"' in (model.parent / "recipe.toml").read_text(encoding="utf-8")


def test_models_show_lists_them(run, folder: Path) -> None:
    shown = json.loads(run("models", "show", folder, "--format", "json").stdout)
    assert shown["prompts"] == {"prompts": dict(PROMPTS.texts), "default_prompt_name": "STS"}
    table = run("models", "show", folder).stdout
    for line in ("query: 'query: ' (queries)", "passage: 'passage: ' (what is searched)", "STS: '句子：' (default)"):
        assert line in table
    assert json.loads(run("models", "show", "mini", "--format", "json").stdout)["prompts"]["prompts"] == {}
