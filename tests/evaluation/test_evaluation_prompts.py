"""Which prompt stands before which text of which task, and that the figures are those of the vectors with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.data import LabelledTexts, ScoredPairs
from juyi.encoder import load_encoder, save_encoder
from juyi.engines import agreed_precision, open_engine
from juyi.errors import UsageError
from juyi.evaluation import EncodeOptions, EvaluationOptions, evaluate_model, evaluate_suite, one_precision, open_candidate
from juyi.evaluation.fitting import Fitting, on_target, on_texts
from juyi.postprocessing import fit_whitening
from juyi.prompts import Prompt, PromptChoice, PromptedEncode, Prompts
from juyi.suites import open_suite
from juyi.tasks import STS, IntentRecall, OutOfScope, Retrieval
from juyi.types import Embeddings, Encode

E5 = Prompts({"query": "query: ", "passage": "passage: "})
NOUNS = ["信用卡", "密码", "账单", "手机号", "快递", "退款", "会员", "发票", "订单", "优惠券", "地址", "合同"]
VERBS = ["办理", "修改", "查询", "注销", "激活", "申请"]
FIRST = [f"怎么{VERBS[i % 6]}{noun}" for i, noun in enumerate(NOUNS)]
SECOND = [f"{noun}在哪里{VERBS[i % 5]}" for i, noun in enumerate(NOUNS)]
ASKED = [f"{noun}的{VERBS[i % 4]}方法" for i, noun in enumerate(NOUNS)]
GOLD = [float((5 * i) % 7) for i in range(len(NOUNS))]


class Recorder:
    """Encodes whatever it is given by its characters, and remembers it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.seen += texts
        rows = np.ones((len(texts), 40), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for character in text:
                row[ord(character) % 40] += 1
        return rows

    def prompted(self, choice: PromptChoice = PromptChoice(), prompts: Prompts = E5) -> PromptedEncode:
        def make(prompt: Prompt) -> Encode:
            return lambda texts: self(prompt.before(texts))

        return PromptedEncode(make, prompts, choice)


def sts(**settings: Any) -> STS:
    return STS("pairs", "test", ScoredPairs(FIRST, SECOND, np.array(GOLD)), **settings)


def retrieval(**settings: Any) -> Retrieval:
    return Retrieval("faq", "test", ASKED, SECOND, [[i] for i in range(len(SECOND))], **settings)


def intents(**settings: Any) -> IntentRecall:
    return IntentRecall("intents", "test", LabelledTexts(NOUNS, FIRST), LabelledTexts(NOUNS, ASKED), **settings)


def scope(**settings: Any) -> OutOfScope:
    return OutOfScope("scope", "test", LabelledTexts(NOUNS, FIRST), LabelledTexts(NOUNS, ASKED), ["外面"], **settings)


def before(prompt: str, texts: Sequence[str]) -> set[str]:
    return {prompt + text for text in texts}


@pytest.mark.parametrize(
    ("task", "choice", "expected"),
    [
        (sts(), PromptChoice(), before("", FIRST + SECOND)),
        (sts(), PromptChoice("query"), before("query: ", FIRST + SECOND)),
        (sts(prompts=PromptChoice("看：")), PromptChoice(), before("看：", FIRST + SECOND)),
        (sts(prompts=PromptChoice("看：")), PromptChoice(""), before("", FIRST + SECOND)),
        (sts(), PromptChoice(query="query"), before("", FIRST + SECOND)),
        (retrieval(), PromptChoice(), before("query: ", ASKED) | before("passage: ", SECOND)),
        (retrieval(), PromptChoice(""), before("", ASKED + SECOND)),
        (retrieval(), PromptChoice("query"), before("query: ", ASKED + SECOND)),
        (retrieval(), PromptChoice(query="问：", corpus=""), before("问：", ASKED) | before("", SECOND)),
        (retrieval(prompts=PromptChoice(corpus="答：")), PromptChoice(), before("query: ", ASKED) | before("答：", SECOND)),
        (intents(), PromptChoice(), before("query: ", ASKED) | before("passage: ", FIRST)),
        (intents(prompts=PromptChoice("query")), PromptChoice(), before("query: ", ASKED + FIRST)),
        (scope(), PromptChoice(), before("query: ", [*ASKED, "外面"]) | before("passage: ", FIRST)),
    ],
)
@pytest.mark.parametrize("fitted", [False, True])
def test_every_text_gets_its_prompt_and_is_encoded_once(
    task: Any, choice: PromptChoice, expected: set[str], fitted: bool
) -> None:
    recorder = Recorder()
    fitting = Fitting(lambda vectors: lambda rows: rows - vectors.mean(0), on_target) if fitted else None
    told: list[tuple[int, int]] = []
    found = evaluate_suite(
        [task], recorder.prompted(choice), fitting=fitting, progress=lambda done, total, _: told.append((done, total))
    )
    assert not found.problems and found.scores
    assert {*recorder.seen} == expected and len(recorder.seen) == len(expected)
    assert (0, len(expected)) in told and (len(expected), len(expected)) in told


def test_tasks_with_other_prompts_do_not_share_vectors() -> None:
    recorder = Recorder()
    tasks = [sts(), retrieval(), STS("again", "test", sts().pairs, prompts=PromptChoice("query"))]
    found = evaluate_suite(tasks, recorder.prompted())
    assert len(recorder.seen) == len({*recorder.seen})
    for task, prompt in ((sts(), ""), (tasks[2], "query: ")):
        by_hand = Recorder()([prompt + text for text in FIRST]), Recorder()([prompt + text for text in SECOND])
        cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*by_hand, strict=True)]
        wanted = 100 * stats.spearmanr(cosines, task.pairs.scores).statistic
        assert found.value(task.name, "test") == pytest.approx(wanted)


def test_what_a_map_is_fitted_on() -> None:
    """A task's own texts each with its prompt; others, whose side nobody knows, with both prompts of a task that searches."""
    seen: list[Embeddings] = []

    def fit(vectors: Embeddings) -> Callable[[Embeddings], Embeddings]:
        seen.append(vectors)
        return lambda rows: rows

    encode = Recorder()
    evaluate_suite([retrieval()], encode.prompted(), fitting=Fitting(fit, on_target))
    np.testing.assert_array_equal(seen.pop(), encode([*(f"query: {t}" for t in ASKED), *(f"passage: {t}" for t in SECOND)]))
    file = Fitting(fit, on_texts(["甲", "乙", "甲"], "file"))
    evaluate_suite([retrieval(), sts(), sts(prompts=PromptChoice("看："))][:2], encode.prompted(), fitting=file)
    np.testing.assert_array_equal(seen[0], encode(["query: 甲", "query: 乙", "passage: 甲", "passage: 乙"]))
    np.testing.assert_array_equal(seen[1], encode(["甲", "乙"]))


def test_a_prompt_that_the_model_lacks_is_a_problem_of_its_task_alone() -> None:
    found = evaluate_suite([sts(prompts=PromptChoice("qurey")), retrieval()], Recorder().prompted())
    assert {score.task for score in found.scores} == {"faq"}
    assert (
        len(found.problems) == 1
        and "pairs test could not be measured: The model has no prompt named 'qurey'" in found.problems[0]
    )
    recorder = Recorder()
    found = evaluate_suite([sts(prompts=PromptChoice("看："))], recorder)  # any function takes a text
    assert not found.problems and {*recorder.seen} == before("看：", FIRST + SECOND)
    found = evaluate_suite([sts(prompts=PromptChoice("query")), retrieval()], recorder)
    assert "it has no prompts at all" in found.problems[0]


@pytest.fixture
def folder(stand_in: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path / "cache"))
    encoder = load_encoder(stand_in("bert"))
    encoder.prompts = Prompts({"query": "query: ", "document": "passage: "})
    return save_encoder(encoder, tmp_path / "e5")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = "".join(f"{a}\t{b}\t{score}\n" for a, b, score in zip(FIRST, SECOND, GOLD, strict=True))
    (tmp_path / "pairs.tsv").write_text(rows, encoding="utf-8")
    groups = "".join(f"{i}\t{a}\n{i}\t{b}\n{i}\t{c}\n" for i, (a, b, c) in enumerate(zip(FIRST, SECOND, ASKED, strict=True)))
    (tmp_path / "faq.tsv").write_text(groups, encoding="utf-8")
    path = tmp_path / "suite.toml"
    path.write_text(
        """
        [[task]]
        kind = "sts"
        name = "pairs"
        file = "pairs.tsv"
        [[task]]
        kind = "sts"
        name = "asked"
        file = "pairs.tsv"
        prompt = "query"
        [[task]]
        kind = "faq-groups"
        name = "faq"
        file = "faq.tsv"
        """,
        encoding="utf-8",
    )
    return path


@pytest.mark.parity
@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize(
    ("given", "asks"),
    [
        ({}, ({}, {"prompt_name": "query"}, ({}, {}))),
        ({"prompt": ""}, ({"prompt": ""}, {"prompt": ""}, ({"prompt": ""}, {"prompt": ""}))),
        ({"query_prompt": "问："}, ({}, {"prompt_name": "query"}, ({"prompt": "问："}, {}))),
    ],
)
def test_the_figures_are_those_of_sentence_transformers(
    given: dict[str, Any], asks: tuple[Any, Any, Any], cache: bool, folder: Path, suite: Path
) -> None:
    library: Any = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(folder), device="cpu")
    said: list[str] = []
    options = EncodeOptions(precision="float32", cache=cache, **given)
    found = evaluate_model(str(folder), open_suite(str(suite)), encode_options=options, log=said.append)
    assert not found.problems
    plain, asked, (query, corpus) = asks
    for task, ask in (("pairs", plain), ("asked", asked)):
        cosines = np.diag(library.util.cos_sim(model.encode(FIRST, **ask), model.encode(SECOND, **ask)).numpy())
        assert found.value(task, "test") == pytest.approx(100 * stats.spearmanr(cosines, GOLD).statistic)
    queries = [text for pair in zip(SECOND, ASKED, strict=True) for text in pair]
    cosines = library.util.cos_sim(model.encode_query(queries, **query), model.encode_document(FIRST, **corpus)).numpy()
    right = cosines.argmax(1) == np.repeat(range(len(NOUNS)), 2)
    assert found.value("faq", "test", "recall@1") == pytest.approx(100 * right.mean())
    prompts = [line for line in said if line.startswith("Prompts of")]
    if not given:
        assert prompts == [
            f"Prompts of {folder}: 'query: ' (query) before every text (asked test)",
            f"Prompts of {folder}: 'query: ' (query) before queries, 'passage: ' (document) before what is searched (faq test)",
        ]
    assert given != {"prompt": ""} or not prompts


def test_the_prompts_of_a_suite_file(folder: Path, suite: Path) -> None:
    text = suite.read_text(encoding="utf-8")
    suite.write_text(f'prompt = "看："\nquery_prompt = "query"\n{text}corpus_prompt = ""\n', encoding="utf-8")
    assert [task.prompts for task in open_suite(str(suite)).tasks] == [
        PromptChoice("看："),
        PromptChoice("query"),
        PromptChoice("看：", "query", ""),
    ]
    suite.write_text(text.replace('prompt = "query"', 'query_prompt = "query"'), encoding="utf-8")
    with pytest.raises(UsageError, match="query_prompt"):  # pairs have no queries
        open_suite(str(suite))


def test_who_takes_no_prompt_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("2 2\n天气 1 0\n今天 0 1\n", encoding="utf-8")
    said: list[str] = []
    options = EncodeOptions(prompt="query", precision="float32")
    for name in ("lexical", f"vectors:{tmp_path / 'words.txt'}"):
        open_candidate(name, options, log=said.append)
    assert len(said) == 2 and all("takes no prompt" in line for line in said)
    random = open_candidate(f"random:{folder}", options).encoder
    assert isinstance(random, PromptedEncode)
    np.testing.assert_allclose(random(["甲"]), random.chosen(PromptChoice(""))(["query: 甲"]), atol=1e-6)
    for given in ({"prompt": "qurey"}, {"query_prompt": "qurey"}, {"corpus_prompt": "qurey"}):
        with pytest.raises(UsageError, match="Did you mean 'query'"):
            open_candidate(str(folder), EncodeOptions(precision="float32", **given))


def test_the_precision_is_tried_with_the_prompt(folder: Path) -> None:
    engines = [("e5", open_engine(folder, "torch"))]
    assert agreed_precision(engines, [*FIRST, *SECOND], prompts={"e5": "query"}, fast="bfloat16").precision in (
        "float32",
        "bfloat16",
    )
    with pytest.raises(UsageError, match="Did you mean 'query'"):
        agreed_precision(engines, [*FIRST, *SECOND], prompts={"e5": "qurey"}, fast="bfloat16")


def test_a_prompt_of_one_candidate_alone(folder: Path, suite: Path) -> None:
    tasks, options = open_suite(str(suite), tasks=["pairs"]), EncodeOptions(precision="float32", prompt="document")
    for own, asked, said in (("+prompt:query", "query", "query"), ("+prompt:看：", "看：", "看："), ("+prompt:", "", "none")):
        found = evaluate_model(f"{folder}{own}", tasks, encode_options=options)
        assert found.name == f"{folder} + prompt({said})"
        same = evaluate_model(str(folder), tasks, encode_options=EncodeOptions(precision="float32", prompt=asked))
        assert found.value("pairs", "test") == same.value("pairs", "test")
    assert one_precision([f"{folder}+prompt:query", "mini", "lexical"], tasks, EncodeOptions()).precision != "auto"
    whitened = evaluate_model(f"{folder}+prompt:query+whitening", tasks, EvaluationOptions(dimensions=None), options)
    assert whitened.name == f"{folder} + prompt(query) + whitening(target)"


def test_a_whitening_is_fitted_with_the_prompt(folder: Path, suite: Path, sentences: list[str]) -> None:
    texts = suite.parent / "texts.txt"
    texts.write_text("\n".join(sentences), encoding="utf-8")
    options = EvaluationOptions(whiten=str(texts), dimensions=4)
    encoder = load_encoder(folder)
    tasks = open_suite(str(suite))
    found = evaluate_model(str(folder), tasks, options, EncodeOptions(precision="float32", prompt="query"))
    whitening = fit_whitening(encoder.encode(sentences, prompt="query"), 4)
    first, second = (whitening(encoder.encode(side, prompt="query")) for side in (FIRST, SECOND))
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert found.value("pairs", "test") == pytest.approx(100 * stats.spearmanr(cosines, GOLD).statistic)
