"""Files as people have them: what a file holds, and what is understood of it, or the error.

One table. A case is a file (its name, its bytes), the reader, and what it gives: rows, or the words of the error.
"""

# ruff: noqa: E501 (a table)

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from juyi.data import (
    read_labelled_pairs,
    read_labelled_texts,
    read_pairs,
    read_scored_pairs,
    read_texts,
    read_triplets,
    understand,
    understand_texts,
)
from juyi.data.sets import read_clinc
from juyi.errors import JuyiError


@dataclass(frozen=True)
class Case:
    """One input."""

    says: str
    name: str
    content: str | bytes
    read: Callable[..., Any]
    gives: Any = None
    error: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    line: Sequence[str] = ()
    """Words that the one line of what was understood holds."""


def texts(path: Path, **options: Any) -> list[str]:
    return read_texts(path, **options).texts


def pairs(path: Path, **options: Any) -> list[tuple[str, str]]:
    found = read_pairs(path, **options)
    return list(zip(found.anchors, found.positives, strict=True))


def triplets(path: Path, **options: Any) -> list[tuple[str, str, str]]:
    found = read_triplets(path, **options)
    return list(zip(found.anchors, found.positives, found.negatives, strict=True))


def scored(path: Path, **options: Any) -> list[tuple[str, str, float]]:
    found = read_scored_pairs(path, **options)
    return list(zip(found.first, found.second, found.scores.tolist(), strict=True))


def labelled(path: Path, **options: Any) -> list[tuple[str, str, str]]:
    found = read_labelled_pairs(path, **options)
    return list(zip(found.first, found.second, found.labels, strict=True))


def intents(path: Path, **options: Any) -> list[tuple[str, str]]:
    found = read_labelled_texts(path, **options)
    return list(zip(found.labels, found.texts, strict=True))


def clinc(path: Path, **_: Any) -> dict[str, list[tuple[str, str]]]:
    return {split: list(zip(part.labels, part.texts, strict=True)) for split, part in read_clinc(path).items()}


A, B, C, D = "怎么还信用卡", "信用卡如何还款", "花呗能提前还吗", "借呗怎么开通"
TWO = [(A, B, 1.0), (C, D, 0.0)]


def rows(delimiter: str, *cells: Sequence[str], end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in cells)


def two(same: str, different: str, *, delimiter: str = "\t") -> str:
    return rows(delimiter, (A, B, same), (C, D, different))


def json_lines(*values: Any) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


LABELS = [
    Case("是 and 否", "a.tsv", two("是", "否"), scored, TWO, line=["是 = 1", "否 = 0"]),
    Case("相似 and 不相似", "a.tsv", two("相似", "不相似"), scored, TWO),
    Case("same and diff", "a.tsv", two("same", "diff"), scored, TWO),
    Case("True and False", "a.csv", two("True", "False", delimiter=","), scored, TWO),
    Case("yes and no, one case", "a.tsv", two("Yes", "NO"), scored, TWO),
    Case("对 and 错 in a txt file", "a.txt", two("对", "错"), scored, TWO),
    Case("a decimal comma", "a.tsv", two("4,5", "0,0"), scored, [(A, B, 4.5), (C, D, 0.0)]),
    Case("a decimal comma between semicolons", "a.csv", two("4,5", "0", delimiter=";"), scored, [(A, B, 4.5), (C, D, 0.0)]),
    Case("marks", "a.csv", "句子A,句子B,打分\n" + two("5分", "0分", delimiter=","), scored, [(A, B, 5.0), (C, D, 0.0)]),
    Case("truth values in JSON", "a.jsonl", json_lines({"s1": A, "s2": B, "label": True}, {"s1": C, "s2": D, "label": False}), scored, TWO),
    Case("the label first", "a.tsv", rows("\t", ("是", A, B), ("否", C, D)), scored, TWO),
    Case("numbers and words mixed", "a.tsv", two("1", "否"), scored, error="line 2: the score in column '3' is '否'"),
    Case("an intent is no positive", "a.tsv", rows("\t", (A, "还款"), (C, "还款"), (D, "开通")), pairs, error="还款 ×2, 开通 ×1"),
    Case("an id is no anchor", "a.tsv", rows("\t", ("1", A), ("2", B), ("3", C)), pairs, error="column '1' holds 1 ×1"),
    Case("per cent", "a.tsv", two("85%", "10 %"), scored, [(A, B, 85.0), (C, D, 10.0)]),
    Case("NLI words are scores in their order", "a.tsv", two("entailment", "contradiction"), scored, TWO),
    Case("正例 and 负例", "a.tsv", two("正例", "负例"), scored, TWO),
    Case("entailment or not", "a.tsv", two("entailment", "not_entailment"), scored, TWO),
    Case("high and low", "a.tsv", two("高", "低"), scored, error="高 ×1, 低 ×1.*not certain"),
    Case("words that are not certain", "a.tsv", two("好", "差"), scored, error="好 ×1, 差 ×1.*not certain.*--label-score"),
    Case("words that the caller explains", "a.tsv", two("好", "差"), scored, TWO, options={"label_scores": {"好": 1, "差": 0}}),
    Case("a label is no hard negative", "a.tsv", two("是", "否"), triplets, error="holds 是 ×1, 否 ×1, which are labels"),
    Case("a score is no hard negative", "a.tsv", two("5.000", "0.2"), triplets, error="which are labels and no sentences"),
    Case("few short words are no hard negatives", "a.tsv", two("甲类", "乙类") * 3, triplets, error="甲类 ×3, 乙类 ×3"),
    Case("a header says label", "a.tsv", rows("\t", ("q1", "q2", "label"), (A, B, "1")), triplets, error="which are labels"),
    Case("a header says is_duplicate", "a.csv", "question1,question2,is_duplicate\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("LCQMC as sentences", "a.txt", two("1", "0"), texts, [A, B, C, D]),
    Case("LCQMC as pairs that mean the same", "a.tsv", two("1", "0"), pairs, error="1 ×1, 0 ×1, so not every row is a pair"),
    Case("all labels are 1", "a.tsv", rows("\t", *[(A, B, "1")] * 5), pairs, [(A, B)] * 5),
    Case("50 in a sheet of 0 to 5", "a.tsv", rows("\t", *[(A, B, s) for s in "03524"], (C, D, "50")), scored, error="line 6.*50"),
    Case("a negative score", "a.tsv", rows("\t", *[(A, B, s) for s in "01101"], (C, D, "-1")), scored, error=r"-1 \(line 6\)"),
    Case("scores of 0 to 100", "a.tsv", rows("\t", *[(A, B, s) for s in ("0", "30", "55", "100", "70")]), scored,
         [(A, B, s) for s in (0.0, 30.0, 55.0, 100.0, 70.0)]),
    Case("cosines", "a.tsv", rows("\t", *[(A, B, s) for s in ("0.1", "-0.3", "0.9", "0.55", "-0.2")]), scored,
         [(A, B, s) for s in (0.1, -0.3, 0.9, 0.55, -0.2)]),
    Case("a sheet that is filled in part", "a.tsv", "sentence1\tsentence2\tscore\n" + rows("\t", (A, B, "1"), (C, D, "")), scored,
         [(A, B, 1.0)], line=["1 row without a score (line 3)"]),
    Case("a sheet that is not filled in", "a.tsv", "sentence1\tsentence2\tscore\n" + two("", ""), scored, error="no row has a score"),
]  # fmt: skip

DELIMITERS = [
    Case("a csv without header", "a.csv", two("1", "0", delimiter=","), scored, TWO, line=["csv", "no header", "2 rows"]),
    Case("a csv of sentences without header", "a.csv", rows(",", (A, B), (C, D)), texts, [A, B, C, D]),
    Case("a csv parted by tabs", "a.csv", two("1", "0"), scored, TWO, line=["tabs"]),
    Case("a csv parted by semicolons", "a.csv", two("1", "0", delimiter=";"), scored, TWO, line=["semicolons"]),
    Case("a csv parted by full-width commas", "a.csv", two("1", "0", delimiter="，"), scored, TWO),
    Case("a csv parted by bars", "a.csv", "q1|q2|label\n" + two("1", "0", delimiter="|"), scored, TWO),
    Case("a tsv parted by commas", "a.tsv", "text1,text2,label\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("a tsv parted by bars", "a.tsv", two("1", "0", delimiter="||"), scored, TWO),
    Case("an id before the bars", "a.txt", rows("||", ("0001", A, B, "5"), ("0002", C, D, "0")), scored, [(A, B, 5.0), (C, D, 0.0)]),
    Case("carriage returns alone", "a.txt", rows("", (A,), (B,), end="\r"), texts, [A, B]),
    Case("carriage returns in a table", "a.csv", "q1,q2,label\r" + rows(",", (A, B, "1"), (C, D, "0"), end="\r"), scored, TWO),
    Case("Windows ends", "a.tsv", rows("\t", (A, B, "1"), (C, D, "0"), end="\r\n"), scored, TWO),
    Case("sep=; of Excel", "a.csv", "sep=;\n句子1;句子2;分数\n" + two("1", "0", delimiter=";"), scored, TWO),
    Case("STS-B as it is published", "sts-dev.csv", rows("\t", *[("main-captions", "MSRvid", "2012test", f"{i:04}", "5.000", f"{A}{i}", f"{B}{i}") for i in (1, 4, 2, 8, 5)]),
         scored, [(f"{A}{i}", f"{B}{i}", 5.0) for i in (1, 4, 2, 8, 5)]),
    Case("a csv in big5", "a.csv", "句子1,句子2,標籤\n請問怎麼還款,如何還款呢,1\n花唄怎麼開通,天氣很好,0\n".encode("big5"), scored,
         [("請問怎麼還款", "如何還款呢", 1.0), ("花唄怎麼開通", "天氣很好", 0.0)], line=["big5"]),
    Case("UTF-16 without mark, parted by tabs, named csv", "a.csv", rows("\t", ("wen", "da"), (A, B)).encode("utf-16-le"), pairs, [(A, B)]),
    Case("every cell in quotes, parted by tabs", "a.tsv", '"sentence1"\t"sentence2"\t"label"\n' + f'"{A}"\t"{B}"\t"1"\n"{C}"\t"{D}"\t"0"\n', scored, TWO),
    Case("UTF-16 with tabs, as Excel saves text", "a.txt", two("1", "0").encode("utf-16"), scored, TWO, line=["utf-16"]),
    Case("a csv of Excel in GBK", "a.csv", ("句子1,句子2,分数\r\n" + two("1", "0", delimiter=",")).encode("gbk"), scored, TWO,
         line=["gb18030", "header"]),
    Case("a csv of Excel in UTF-8 with mark", "a.csv", ("\ufeff句子1,句子2,分数\r\n" + two("1", "0", delimiter=",")).encode(), scored, TWO),
    Case("quoted tsv of pandas", "a.tsv", f'sentence1\tsentence2\tscore\n"他说""{A}"""\t{B}\t1\n{C}\t{D}\t0\n', scored,
         [(f'他说"{A}"', B, 1.0), (C, D, 0.0)], line=["quoted"]),
    Case("a quotation is no quoting", "a.tsv", f'"{A}"\t{B}\t1\n{C}\t{D}\t0\n', scored, [(f'"{A}"', B, 1.0), (C, D, 0.0)]),
    Case("a quote that does not close in a tsv", "a.tsv", f'"{A}\t{B}\t1\n{C}\t{D}\t0\n', scored, [(f'"{A}', B, 1.0), (C, D, 0.0)]),
    Case("a line end inside quotes", "a.csv", f'text,label\n"{A}\n{B}",x\n{C},y\n', texts, [f"{A}\n{B}", C]),
    Case("one column with commas in it", "a.csv", "text\nhello, world\nyes\nwell, no, maybe\n", texts, ["hello, world", "yes", "well, no, maybe"]),
    Case("one column in quotes", "a.csv", 'text\n"hello, world"\nyes\n', texts, ["hello, world", "yes"]),
    Case("blanks before the quotes", "a.csv", '"text1", "text2", "label"\n' + f'"{A}", "{B}", 1\n"{C}", "{D}", 0\n', scored, TWO),
    Case("a tab at the end of every line", "a.tsv", rows("\t", (A, B, "1", ""), (C, D, "0", "")), scored, TWO),
    Case("a western csv of Excel", "a.csv", "Der Hund läuft;Ein Hund rennt;4,5\nDie Katze;Das Auto;0,2\n".encode("cp1252"), scored,
         [("Der Hund läuft", "Ein Hund rennt", 4.5), ("Die Katze", "Das Auto", 0.2)], line=["cp1252", "no header"]),
    Case("a line end in a quoted cell of a tsv", "a.tsv", f'text\tlabel\n"{A}\n{B}"\tx\n{C}\ty\n', texts, [f"{A}\n{B}", C]),
    Case("one column of sentences in a csv", "a.csv", f"{A}\n{B}\n", texts, [A, B], line=["no header"]),
    Case("sentences with commas in a txt", "a.txt", "a, b\nc, d\n", texts, ["a, b", "c, d"]),
    Case("sentences with full-width commas in a txt", "a.txt", "你好，在吗\n好的，谢谢\n", texts, ["你好，在吗", "好的，谢谢"]),
    Case("a sentence with a tab in a txt", "a.txt", f"{A}\n{B}\tx\n", texts, [A, f"{B}\tx"]),
    Case("lines that begin with a bracket", "a.txt", "[微笑]你好\n{名字}在吗\n", texts, ["[微笑]你好", "{名字}在吗"]),
    Case("another suffix", "lcqmc.test", two("1", "0"), scored, TWO),
    Case("no suffix, a csv inside", "pairs", "question1,question2,label\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("packed, and not named so", "a.tsv", gzip.compress(two("1", "0").encode()), scored, TWO),
    Case("a delimiter by name", "a.txt", rows("#", (A, B), (C, D)), pairs, [(A, B), (C, D)], options={"delimiter": "#"}),
    Case("a format by name", "a.csv", f"{A},x\n{B},y\n", texts, [f"{A},x", f"{B},y"], options={"format": "txt"}),
    Case("a format that is not there", "a.csv", "x\n", texts, error="format 'yaml' is not known", options={"format": "yaml"}),
    Case("a long cell", "a.csv", f"text,label\n{'好' * 140_000},x\n{A},y\n", texts, ["好" * 140_000, A]),
    Case("empty cells that a spreadsheet writes behind", "a.csv", f"text,label\n{A},x,,\n{B},y,,\n", texts, [A, B]),
    Case("rows of nothing but commas", "a.csv", f"text,label\n{A},x\n,\n,\n{B},y\n,\n", texts, [A, B], line=["2 blank rows (lines 3, 4)"]),
]  # fmt: skip

HEADERS = [
    Case("pandas' index", "a.csv", ",sentence1,sentence2,score\n" + rows(",", ("0", A, B, "1"), ("1", C, D, "0")), scored, TWO),
    Case("Unnamed: 0", "a.csv", "Unnamed: 0,text\n" + rows(",", ("0", A), ("1", B)), texts, [A, B], line=["not read: Unnamed: 0"]),
    Case("pandas' numbers for names", "a.csv", "0,1,2\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("sentence 1", "a.tsv", "Sentence 1\tSentence 2\tSimilarity Score\n" + two("1", "0"), scored, TWO),
    Case("问句1,问句2,相似度", "a.csv", "问句1,问句2,相似度\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("标准问题,用户问题,标签", "a.csv", "标准问题,用户问题,标签\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("编号⇥问句", "a.tsv", "编号\t问句\n" + rows("\t", ("17", A), ("5", B)), texts, [A, B]),
    Case("a column 备注 in the label sheet", "a.tsv", "sentence1\tsentence2\tscore\t备注\n" + rows("\t", (A, B, "1", ""), (C, D, "0", "难")),
         scored, TWO, line=["not read: 备注"]),
    Case("an unknown column", "a.tsv", "sentence1\tsentence2\tscore\twer\n" + rows("\t", (A, B, "1", "张三"), (C, D, "0", "李四")), scored, TWO,
         line=["not read: wer"]),
    Case("unknown names above numbers", "a.csv", "wen1,wen2,fen\n" + two("1", "0", delimiter=","), scored, TWO),
    Case("unknown names above numbers in a tsv", "a.tsv", "左句\t右句\t几分\n" + two("1", "0"), scored, TWO, line=["header"]),
    Case("a name with a question mark", "a.csv", "text_a,text_b,same?\n" + two("TRUE", "FALSE", delimiter=","), scored, TWO),
    Case("原句,相似句", "a.csv", "原句,相似句\n" + rows(",", (A, B), (C, D)), texts, [A, B, C, D]),
    Case("one column with a likely name", "a.csv", f"用户提问\n{A}\n{B}\n", texts, [A, B], line=["reading column 用户提问"]),
    Case("many columns", "a.csv", "id,user_id,session,question,answer,category,created_at\n"
         + rows(",", *[(f"{i}", f"u{i}", f"s{i}", f"{A}{i}", B, "卡", f"2024-01-0{i + 1}") for i in range(3)]), texts, [f"{A}{i}" for i in range(3)]),
    Case("telephone numbers", "a.csv", "phone,msg\n" + rows(",", ("13800138000", A), ("13900139000", B)), texts, [A, B]),
    Case("查询,正例,负例", "a.csv", "查询,正例,负例\n" + rows(",", (A, B, C)), triplets, [(A, B, C)]),
    Case("triplets with an id", "a.tsv", rows("\t", ("1", A, B, C), ("2", D, C, A)), triplets, [(A, B, C), (D, C, A)]),
    Case("question and answer", "a.csv", "问题,答案\n" + rows(",", (A, "请登录后还款。"), (D, "请在首页开通。")), texts, [A, D]),
    Case("a log of questions", "a.csv", "时间,用户,问题\n" + rows(",", ("2024-01-01", "张三", A), ("2024-01-02", "李四", B)), texts, [A, B]),
    Case("one known name", "a.tsv", "foo\tbar\tlabel\n" + two("1", "0"), scored, TWO),
    Case("a first row of data", "a.tsv", rows("\t", ("你好", "您好", "1"), (C, D, "0")), scored, [("你好", "您好", 1.0), (C, D, 0.0)]),
    Case("header said to be there", "a.tsv", rows("\t", ("甲", "乙"), (A, B)), pairs, [(A, B)], options={"header": True}),
    Case("header said to be none", "a.csv", rows(",", ("text", "label"), (A, "x")), texts, ["text", "label", A, "x"], options={"header": False}),
    Case("score first", "a.tsv", rows("\t", ("1", A, B), ("0", C, D)), scored, TWO),
    Case("MRPC", "msr.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n" + rows("\t", ("1", "70", "71", A, B), ("0", "80", "81", C, D)), scored, TWO),
    Case("columns by name in another case", "a.csv", f"Wen,Da\n{A},{B}\n", texts, [B], options={"columns": ["da"]}),
    Case("columns of pairs", "a.csv", f"甲,乙,丙\n{A},{B},{C}\n", pairs, [(C, A)], options={"columns": ["丙", "甲"]}),
    Case("names twice", "a.csv", "text,Text\na,b\n", texts, error="two columns have the same name"),
    Case("intents, the label last", "a.tsv", rows("\t", *[(f"{A}第{i}次", "repay") for i in range(3)], (D, "open")), intents,
         [*[("repay", f"{A}第{i}次") for i in range(3)], ("open", D)]),
    Case("a standard question and its paraphrases", "a.csv", "标准问题,相似问题\n" + rows(",", (A, B), (C, D)), pairs, [(A, B), (C, D)]),
]  # fmt: skip

NEIGHBOURS = [
    Case("FlagEmbedding", "a.jsonl", json_lines({"query": A, "pos": [B], "neg": [C, D]}), triplets, [(A, B, C), (A, B, D)]),
    Case("FlagEmbedding, more positives", "a.jsonl", json_lines({"query": A, "pos": [B, C], "neg": [D]}), triplets, [(A, B, D), (A, C, D)]),
    Case("FlagEmbedding as sentences", "a.jsonl", json_lines({"query": A, "pos": [B], "neg": [C, D]}), texts, [A, B, C, D]),
    Case("FlagEmbedding as pairs", "a.jsonl", json_lines({"query": A, "pos": [B, C], "neg": []}), pairs, [(A, B), (A, C)]),
    Case("sentence-transformers' negatives", "a.csv", f"anchor,positive,negative_1,negative_2\n{A},{B},{C},{D}\n", triplets, [(A, B, C), (A, B, D)]),
    Case("SNLI", "snli.jsonl", json_lines({"gold_label": "entailment", "sentence1": A, "sentence2": B, "pairID": "x"},
                                          {"gold_label": "-", "sentence1": C, "sentence2": D, "pairID": "y"}), labelled,
         [(A, B, "entailment")], line=["1 row without a consensus (line 2)"]),
    Case("SNLI as a table", "snli.txt", "gold_label\tsentence1_binary_parse\tsentence1\tsentence2\tcaptionID\tlabel1\n"
         + rows("\t", ("neutral", "( a )", A, B, "4#1", "neutral"), ("contradiction", "( b )", C, D, "4#2", "neutral")), labelled,
         [(A, B, "neutral"), (C, D, "contradiction")]),
    Case("NLI in Chinese", "a.tsv", two("蕴含", "矛盾"), labelled, [(A, B, "entailment"), (C, D, "contradiction")]),
    Case("SNLI as scores", "snli.jsonl", json_lines({"gold_label": "entailment", "sentence1": A, "sentence2": B},
                                                    {"gold_label": "-", "sentence1": A, "sentence2": D},
                                                    {"gold_label": "contradiction", "sentence1": C, "sentence2": D}), scored, TWO),
    Case("QQP", "a.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n" + rows("\t", ("0", "1", "2", A, B, "1"), ("1", "3", "4", C, D, "0")), scored, TWO),
    Case("CLINC's data_full.json", "data_full.json", json.dumps({"train": [[A, "repay"]], "oos_test": [[C, "oos"]]}), clinc,
         {"train": [("repay", A)], "oos_test": [("oos", C)]}),
    Case("CLINC's data_full.json as sentences", "data_full.json", json.dumps({"train": [[A, "repay"]], "oos_test": [[C, "oos"]]}), texts, [A, C]),
    Case("ATEC", "atec.csv", rows("\t", ("1", A, B, "1"), ("2", C, D, "0")).encode("utf-8-sig"), scored, TWO),
    Case("ATEC with shuffled ids", "atec.tsv", rows("\t", ("907", A, B, "1"), ("12", C, D, "0")), scored, TWO),
    Case("SICK", "SICK.txt", "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
         + rows("\t", ("1", A, B, "4.5", "NEUTRAL"), ("2", C, D, "1", "CONTRADICTION")), scored, [(A, B, 4.5), (C, D, 1.0)]),
    Case("a list of strings", "a.json", json.dumps([A, B]), texts, [A, B]),
    Case("a document with line ends", "a.json", '[\n{"text":"甲乙"},\n{"text":"丙丁"}\n]\n', texts, ["甲乙", "丙丁"]),
    Case("conversations", "a.json", json.dumps([{"id": "1", "conversations": [{"from": "human", "value": A}]}]), texts, error="no column holds text"),
    Case("BELLE", "belle.json", json.dumps([{"instruction": A, "input": "", "output": B}], ensure_ascii=False), texts, [A]),
    Case("lines of JSON named json", "belle.json", json_lines({"instruction": A, "output": B}, {"instruction": C, "output": D}), texts, [A, C]),
    Case("a list in an object", "a.json", json.dumps({"version": 1, "data": [{"text": A}, {"text": B}]}, indent=1), texts, [A, B]),
    Case("columns of pandas", "a.json", json.dumps({"text": {"0": A, "1": B}, "label": {"0": 1, "1": 0}}), texts, [A, B]),
    Case("keys that some rows lack", "a.jsonl", json_lines({"text": A}, {"text": B, "note": "x"}), texts, [A, B]),
    Case("json without rows", "a.json", json.dumps({"version": 1, "name": {}}), texts, error="A list of objects is needed"),
    Case("null in JSON", "a.jsonl", json_lines({"text": A}, {"text": None}), texts, [A], line=["1 blank"]),
    Case("sub-tasks stay", "STS12.tsv", rows("\t", *[("MSRpar", A, B, "4.5"), ("MSRvid", C, D, "0")] * 3), scored, [(A, B, 4.5), (C, D, 0.0)] * 3),
]  # fmt: skip

BROKEN = [
    Case("empty", "a.csv", "", texts, error="the file is empty"),
    Case("a header alone", "a.csv", "text,label\n", texts, error="only a header and no rows"),
    Case("one column too few", "a.tsv", two("1", "0") + f"{A}\t{B}\n", scored, error="line 3: too few columns"),
    Case("nan", "a.tsv", two("1", "nan"), scored, error="line 2: the score in column '3' is 'nan'"),
    Case("nothing to be seen", "a.txt", f"{A}\n\u200b\n\u3000\ufeff\n{B}\n", texts, [A, B], line=["2 blank rows (lines 2, 3)"]),
    Case("a column of nothing to be seen", "a.tsv", rows("\t", (A, "\u200b"), (B, "\u200b")), texts, [A, B]),
    Case("an open quote", "a.csv", f'text,label\n"{A},x\n{B},y\n', texts, error="not valid csv"),
    Case("an old Excel file", "a.csv", b"\xd0\xcf\x11\xe0" + bytes(100), texts, error="old Office program"),
    Case("a program", "a.txt", b"\x7fELF\x02\x01\0\0\0\1\0\xff\xfe", texts, error="binary"),
    Case("a zip archive", "a.txt.zip", b"PK\x03\x04" + bytes(50), texts, error="not an Excel file"),
    Case("an empty sentence", "a.tsv", rows("\t", (A, "", "1"), (C, D, "0")), scored, error="line 1: column '2' is empty"),
    Case("numbers alone", "a.csv", "1,2\n3,4\n", texts, error="no column holds text"),
]  # fmt: skip

CASES = [*LABELS, *DELIMITERS, *HEADERS, *NEIGHBOURS, *BROKEN]


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_what_is_understood(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    said: list[str] = []
    options = case.options if case.read is clinc else {**case.options, "log": said.append}
    if case.error:
        with pytest.raises(JuyiError, match=case.error):
            case.read(path, **options)
        return
    assert case.read(path, **options) == case.gives
    if case.read is not clinc:
        (line,) = said
        assert "\n" not in line and str(path) in line
        assert all(words in line for words in case.line), line


def test_there_are_many() -> None:
    assert len(CASES) >= 100 and len({case.says for case in CASES}) == len(CASES)


def test_an_excel_file(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "empty"
    sheet = book.create_sheet("pairs")
    for row in [("编号", "问句1", "问句2", "相似度"), (1, A, B, 1), (2, C, D, 0.0), (None, None, None, None), (3, A, D, None)]:
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    said: list[str] = []
    assert scored(tmp_path / "a.xlsx", log=said.append) == TWO
    assert "xlsx, sheet pairs" in said[0] and "1 blank row (line 4)" in said[0] and "1 row without a score (line 5)" in said[0]
    assert texts(tmp_path / "a.xlsx") == [A, B, C, D, A, D]
    (tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    assert scored(tmp_path / "a.csv") == TWO


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(two("是", "否", delimiter=";").encode("gb18030"),))
    writer.start()
    found, corpus = understand_texts(tmp_path / "pipe")
    writer.join()
    assert (found.shape, corpus.texts) == ("scored pairs", [A, B, C, D])


@pytest.mark.parametrize(
    ("name", "content", "shape"),
    [
        ("a.txt", f"{A}\n{B}\n", "texts"),
        ("a.tsv", two("1", "0"), "scored pairs"),
        ("a.tsv", two("相似", "不相似"), "scored pairs"),
        ("a.tsv", two("entailment", "neutral"), "labelled pairs"),
        ("a.tsv", rows("\t", (A, B, C), (D, C, A)), "triplets"),
        ("a.jsonl", json_lines({"query": A, "pos": [B], "neg": [C]}), "triplets"),
        ("a.csv", "标准问题,相似问题\n" + rows(",", (A, B), (C, D)), "labelled texts"),
        ("a.jsonl", json_lines({"anchor": A, "positive": B}), "pairs"),
        ("a.csv", "query,intent\n" + rows(",", (A, "还款"), (D, "开通")), "labelled texts"),
        ("a.jsonl", json_lines({"instruction": A, "output": B}), "pairs"),
        ("a.csv", f"id,问题,时间\n7,{A},2024-01-01\n9,{B},2024-01-02\n", "texts"),
    ],
)
def test_the_shape_of_the_rows(name: str, content: str, shape: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    found = understand(tmp_path / name)
    assert found.shape == shape and len(found.rows) <= 3 and all(len(row) == len(found.columns) for row in found.rows)
