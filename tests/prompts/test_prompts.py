"""A model's prompts: what is meant by a name or a text, what queries and documents get, how they are read."""

from __future__ import annotations

import pytest

from juyi.errors import UsageError
from juyi.prompts import Prompt, Prompts, read_prompts, written_prompts

INSTRUCTION = "Instruct: Given a query, retrieve passages that answer it\nQuery:"
E5 = Prompts({"query": "query: ", "passage": "passage: "})
NAMED = Prompts({"query": "q ", "STS": "s ", "s2p_query": "", "retrieval.query": "r ", "搜索": "搜："}, "STS")


@pytest.mark.parametrize(
    ("prompts", "given", "expected"),
    [
        (E5, None, Prompt()),
        (E5, "", Prompt()),
        (E5, "query", Prompt("query: ", "query")),
        (E5, "query: ", Prompt("query: ")),
        (E5, "qurey: ", Prompt("qurey: ")),
        (E5, "query ", Prompt("query ")),
        (E5, INSTRUCTION, Prompt(INSTRUCTION)),
        (E5, "为这个句子生成表示以用于检索相关文章：", Prompt("为这个句子生成表示以用于检索相关文章：")),
        (E5, "检索", Prompt("检索")),
        (E5, Prompt("qurey"), Prompt("qurey")),
        (NAMED, None, Prompt("s ", "STS")),
        (NAMED, "", Prompt()),
        (NAMED, "s2p_query", Prompt("", "s2p_query")),
        (NAMED, "retrieval.query", Prompt("r ", "retrieval.query")),
        (NAMED, "搜索", Prompt("搜：", "搜索")),
        (Prompts(), None, Prompt()),
        (Prompts(), "看：", Prompt("看：")),
        (Prompts({}, "document"), None, Prompt("", "document")),
    ],
)
def test_what_is_meant(prompts: Prompts, given: str | Prompt | None, expected: Prompt) -> None:
    assert prompts.resolve(given) == expected
    assert bool(expected) == bool(expected.text)


@pytest.mark.parametrize(
    ("prompts", "given", "words"),
    [
        (E5, "qurey", "no prompt named 'qurey'.*'query', 'passage'.*Did you mean 'query'"),
        (E5, "Query", "Did you mean 'query'"),
        (E5, "passages", "Did you mean 'passage'"),
        (E5, "STS", "no prompt named 'STS'; its prompts are 'query', 'passage'. A text of your own .*'STS: '"),
        (NAMED, "sts", "Did you mean 'STS'"),
        (NAMED, "retrieval.qury", "Did you mean 'retrieval.query'"),
        (NAMED, "搜索词", "Did you mean '搜索'"),
        (Prompts(), "query", "no prompt named 'query'; it has no prompts at all"),
    ],
)
def test_a_name_that_the_model_lacks_is_no_text(prompts: Prompts, given: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        prompts.resolve(given)


@pytest.mark.parametrize(
    ("texts", "default", "query", "corpus"),
    [
        ({"query": "q ", "document": "d ", "passage": "p ", "corpus": "c "}, None, "q ", "d "),
        ({"query": "q ", "passage": "p ", "corpus": "c "}, None, "q ", "p "),
        ({"corpus": "c "}, None, "", "c "),
        ({"query": "q ", "document": ""}, "query", "q ", ""),
        ({"query": "q ", "document": "", "passage": "p "}, None, "q ", "p "),
        ({"sts": "s "}, "sts", "", ""),  # the default is none of theirs
        ({}, None, "", ""),
    ],
)
def test_what_queries_and_documents_get(texts: dict[str, str], default: str | None, query: str, corpus: str) -> None:
    prompts = Prompts(texts, default)
    assert (prompts.query.text, prompts.corpus.text) == (query, corpus)


def test_reading_and_writing() -> None:
    config = {"prompts": {"b": "B ", "a": "", "n": None}, "default_prompt_name": "b"}
    prompts = read_prompts(config, pooled=False)
    assert prompts == Prompts({"b": "B ", "a": "", "n": ""}, "b", pooled=False)
    assert list(written_prompts(prompts)["prompts"]) == ["b", "a", "n"]
    assert read_prompts(written_prompts(prompts), pooled=False) == prompts
    with pytest.raises(ValueError, match="'default_prompt_name' is 'c', and the prompts are 'b', 'a', 'n'"):
        read_prompts(config | {"default_prompt_name": "c"})


def test_it_reads_well_in_a_sentence() -> None:
    assert str(Prompt("query: ", "query")) == "'query: ' (query)"
    assert str(Prompt("Instruct: a\nQuery:")) == r"'Instruct: a\nQuery:'"
    assert Prompt("a ").before(["x", "y"]) == ["a x", "a y"] and Prompt().before(["x"]) == ["x"]
