"""Pages of each kind of source: what stands on them, and that they need nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

import juyi
from juyi.errors import DataError, UsageError
from juyi.report import Form, report, write_report
from juyi.report.reasons import _sentences, spoken_reason

EVIL = "</script><b onclick=alert(1)>“粗”&amp;"
SOURCES = ("reproduced", "adapted", "trained", "evaluated")


class Page(HTMLParser):
    """Tags with their attributes, the words outside of styles and scripts, and the data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.data = ""
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = "data" if ("id", "data") in attrs else tag

    def handle_data(self, data: str) -> None:
        if self._within == "data":
            self.data += data
        elif self._within not in ("style", "script"):
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def has(self, *words: str) -> bool:
        text = "\n".join(self.words)
        return all(word in text for word in words)


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Callable[..., Page]:
    return lambda *names: Page(report([request.getfixturevalue(name) for name in names]))


@pytest.mark.parametrize("source", SOURCES)
def test_a_page_needs_nothing_else_and_texts_stay_texts(source: str, page: Callable[..., Page], request) -> None:
    found = page(source)
    for tag, attributes in found.tags:
        assert tag not in ("img", "iframe", "object", "b")
        links = [value or "" for name, value in attributes.items() if name in ("src", "href", "xlink:href")]
        assert all(link.startswith(("#", "data:,")) for link in links)
    (viewport,) = [attributes for tag, attributes in found.tags if attributes.get("name") == "viewport"]
    assert "width=device-width" in str(viewport["content"])
    assert [*json.loads(found.data)] == [str(request.getfixturevalue(source))]


def test_a_table_that_was_run(page: Callable[..., Page]) -> None:
    found = page("reproduced")
    assert found.has("60.0 ± 1.0 (60.5 ✓)", "reproduced ✓: 2", "+2.0 (+1.0 – +3.0)", f"{EVIL}: it is not here")
    assert found.has("On the way: alignment and uniformity", "Alignment and uniformity, coloured by Spearman")
    assert found.has(f"It helps {EVIL} (somebody)", "agrees", "1 for, 0 against, 0 open", "+2.0")
    circles = [tag for tag, _ in found.tags if tag == "circle"]
    assert len(circles) >= 2 * 3 + 2 + 2  # three curves of two points, a way of two looks, two rows in the scatter


def test_an_adaptation(page: Callable[..., Page]) -> None:
    found = page("adapted")
    assert found.has("recommended: linear", "Take linear.", "linear *", "+3.0 (+1.0 – +5.0)", "raw (30 %: refused)", EVIL)
    classes = [attributes.get("class") for tag, attributes in found.tags if tag == "td"]
    assert any("green" in str(name) for name in classes)
    assert any("red" in str(name) for name in classes)
    assert found.has("The sentences on a map", "10.5")


def test_a_signal_that_nothing_has_is_no_column(adapted: Path) -> None:
    assert "| candidate | alignment | uniformity | mean cosine | eff. rank | agreement |" in report([adapted], "markdown")
    record = json.loads((adapted / "report.json").read_text("utf-8"))
    for signals in record["signals"].values():
        signals.pop("agreement")  # as earlier adaptations have them
    (adapted / "report.json").write_text(json.dumps(record), "utf-8")
    text = report([adapted], "markdown")
    assert "| candidate | alignment | uniformity | mean cosine | eff. rank |" in text and "agreement" not in text


def test_a_run_that_is_not_done(page: Callable[..., Page]) -> None:
    found = page("trained")
    assert found.has("zh/simcse (3f0a51c2d9e4)", "views differ", "training.seed", "63.0 (60.0 – 66.0)")
    assert sum(tag == "svg" for tag, _ in found.tags) == 2  # loss and development figure


def test_scores_of_several_encoders_stand_side_by_side(page: Callable[..., Page]) -> None:
    assert page("evaluated").has("BQ test", "mini", "raw", "45.2 (1.0 – 2.0)", "40.0 (1.0 – 2.0)")


def test_several_sources_make_one_page(page: Callable[..., Page]) -> None:
    assert page("adapted", "evaluated").has("recommended: linear", "BQ test")


def test_several_tables_begin_with_what_is_said_of_all_of_them(reproduced: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    record = json.loads((reproduced / "table.json").read_text("utf-8"))
    (claim,) = record["claims"]
    record["claims"] = [claim | {"words": {"en": "It hurts", "zh": "有害"}, "judgement": "disagrees", "source": ""}]
    other.write_text(json.dumps(record | {"title": {"en": "Another table", "zh": "另一张表"}}), "utf-8")
    text = report([reproduced, other], "markdown")
    head, first, helps, second, hurts = text.split("\n\n")[:5]
    assert head == "# What is said, and what was found"
    assert first == "### Raw vectors, BERT-whitening and SimCSE on five Chinese tasks" and second == "### Another table"
    assert helps.splitlines()[2].startswith(f"| It helps {EVIL} (somebody) | agrees | 1 for, ")
    assert hurts.splitlines()[2].startswith("| It hurts | disagrees | 1 for, ")
    assert "What is said" not in report([reproduced], "markdown").split("\n")[0]
    heads = [line for line in text.splitlines() if re.match("##? |### As it", line)]
    tables = ("## Raw vectors, BERT-whitening and SimCSE on five Chinese tasks", "## Another table")
    assert heads[1:] == [*(line for table in tables for line in (table, "### As it was published")), "## Computed on"]
    links = [attributes for tag, attributes in Page(report([reproduced, other])).tags if tag == "a"]
    assert len(links) == len(tables) + 2  # what is said, each table, and what they were computed on
    other.write_text(json.dumps(record | {"environment": {"cores": 64}}), "utf-8")
    heads = [line for line in report([reproduced, other], "markdown").splitlines() if "Computed on" in line]
    assert heads == ["### Computed on"] * 2


def test_figures_have_as_many_decimals_as_they_deserve(reproduced: Path, evaluated: Path, tmp_path: Path) -> None:
    record = json.loads((reproduced / "table.json").read_text("utf-8"))
    for outcome in record["outcomes"]:
        if outcome["column"] == "alignment":
            outcome["interval"] = [outcome["value"] - 0.01, outcome["value"] + 0.01]
    (tmp_path / "fine.json").write_text(json.dumps(record), "utf-8")
    assert Page(report([tmp_path / "fine.json"])).has("60.0 ± 1.0", "0.260 ± 0.010")
    lines = [json.loads(line) for line in evaluated.read_text("utf-8").splitlines()]
    fine = [line | {"value": 0.1657, "interval": [0.136, 0.158]} for line in lines]
    evaluated.write_text("".join(json.dumps(line) + "\n" for line in fine), "utf-8")
    assert Page(report([evaluated])).has("0.166 (0.136 – 0.158)")


def test_every_figure_shows_what_it_owes_to_its_data(reproduced: Path, tmp_path: Path) -> None:
    record = json.loads((reproduced / "table.json").read_text("utf-8"))
    for form in get_args(Form):
        assert "STS-B: 100 items in 90 units [transductive]" in report([reproduced], form)
        assert "transductive: learned from sentences that are measured" in report([reproduced], form)
    record["outcomes"][0]["labels"] = []
    record["outcomes"][1]["labels"] = ["transductive", "dev-selected"]
    (tmp_path / "other.json").write_text(json.dumps(record), "utf-8")
    text = report([tmp_path / "other.json"], "markdown")
    assert "| 60.0 ± 1.0 (60.5 ✓) | 0.3 ± 1.0 [dev-selected] |" in text and "70.0 ± 1.0 (60.5 ✓) [transductive] |" in text
    assert "STS-B: 100 items in 90 units; alignment: 100 items in 90 units [transductive]" in text


@pytest.mark.parametrize(
    ("name", "words"), [("simcse-sts", "unsup SimCSE BERT-base [dev-selected]"), ("chinese-simcse", "All figures: transductive.")]
)
def test_published_figures_show_it_too(name: str, words: str) -> None:
    assert words in report([name], "markdown") and Page(report([name])).has(words)


def test_one_seed_is_told_from_several(reproduced: Path, tmp_path: Path) -> None:
    record = json.loads((reproduced / "table.json").read_text("utf-8"))
    path, words = tmp_path / "seeds.json", "Trained with one seed"
    for seeds, one in (({"1": 60.0}, True), ({"1": 60.0, "2": 60.0}, False)):
        outcomes = [each | {"seeds": seeds, "runs": ["r"]} for each in record["outcomes"]]
        path.write_text(json.dumps(record | {"outcomes": outcomes}), "utf-8")
        text = report([path], "markdown")
        assert (words in text) == one and ("Seeds of what was trained: 1, 2." in text) != one
    assert words not in report([reproduced], "markdown")  # nothing was trained


def test_markdown_leaves_nothing_of_a_picture_out_without_a_word(reproduced: Path, adapted: Path, tmp_path: Path) -> None:
    text = report([reproduced], "markdown")
    assert "| mini, SimCSE | 50 | 60.0 | 59.0 – 61.0 |" in text  # a curve with its interval
    assert "| mini, sample 800, SimCSE | -2.33333 | 0.27 | 70.0 |" in text  # the scatter with name and colour
    assert "2 points, to be seen on the page of HTML" in report([adapted], "markdown")
    record = json.loads((reproduced / "table.json").read_text("utf-8"))
    (look,) = record["trajectories"]
    many = {key: look[key] * 40 for key in ("steps", "dev", "alignment", "uniformity")}
    (tmp_path / "many.json").write_text(json.dumps(record | {"trajectories": [look | many]}), "utf-8")
    assert "The last of each; all 80 points are on the page of HTML." in report([tmp_path / "many.json"], "markdown")


def test_a_study_says_how_much_of_it_was_measured(reproduced: Path, tmp_path: Path) -> None:
    path, record = tmp_path / "study.json", json.loads((reproduced / "table.json").read_text("utf-8"))
    first = record["outcomes"][0] | {"published": None, "value": 1.0, "verdict": "no figure"}
    missing = first | {"value": None, "verdict": "not run", "reason": "why"}
    for outcomes, words in (([first, missing], "**measured: 1, not run: 1**"), ([first], "")):
        path.write_text(json.dumps(record | {"outcomes": outcomes, "published": []}), "utf-8")
        text = report([path], "markdown")
        assert words in text and ("measured:" in text) == bool(words)


def test_a_comparison(tmp_path: Path) -> None:
    path = tmp_path / "comparison.jsonl"
    record = {"first": "raw", "second": "mini", "task": "BQ", "split": "test", "subset": "", "metric": "spearman"}
    record |= {"first_value": 40.0, "second_value": 45.0, "difference": 5.0, "interval": [3.0, 7.0], "standing": "ahead"}
    path.write_text(json.dumps(record) + "\n", "utf-8")
    assert Page(report([path])).has("raw 40.0", "mini 45.0", "+5.0 (+3.0 – +7.0)", "ahead")


def test_a_published_table_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    text = report(["chinese-simcse"])
    assert len(re.findall('<td class="green', text)) == 102
    assert len(re.findall('<td class="red', text)) == 48
    monkeypatch.setenv("JUYI_LANGUAGE", "zh")
    chinese = report(["chinese-simcse"])
    assert '<html lang="zh-CN">' in chinese
    assert "五个中文任务" in chinese


@pytest.mark.parametrize("source", SOURCES)
def test_markdown_says_the_same(source: str, request) -> None:
    text = report([request.getfixturevalue(source)], "markdown")
    words = {"reproduced": "60.0 ± 1.0 (60.5 ✓)", "adapted": "+3.0 (+1.0 – +5.0)", "trained": "| 2 | 1.5 |", "evaluated": "45.2"}
    assert words[source] in text
    assert text.startswith("# ")


def test_the_same_source_gives_the_same_page(adapted: Path) -> None:
    assert report([adapted]) == report([adapted / "report.json"]).replace(str(adapted / "report.json"), str(adapted))


MISTAKES = {
    "nothing": ("", UsageError, "holds none of table.json, report.json, recipe.toml"),
    "other json": ('{"a": 1}', UsageError, "is nothing that a page can be made of"),
    "damaged json": ('{"outcomes": ', DataError, "cannot be read"),
    "a record that lacks something": ('{"outcomes": []}', DataError, "KeyError"),
}


def damaged(record: dict[str, Any]) -> dict[str, Any]:
    """A record of `juyi reproduce` with one thing wrong each, as hands and other programs make them."""
    first = record["outcomes"][0]
    others = record["outcomes"][1:]
    return {
        "a claim of nothing": record | {"claims": [record["claims"][0] | {"compared": []}]},
        "an environment in words": record | {"environment": "linux"},
        "seeds as a list": record | {"outcomes": [first | {"seeds": [1, 2]}, *others]},
        "half an interval": record | {"outcomes": [first | {"interval": [1.0]}, *others]},
        "a figure in words": record | {"outcomes": [first | {"value": "much"}, *others]},
        "a figure that is none": record | {"outcomes": [first | {"value": float("nan")}, *others]},
        "a way of words": record | {"trajectories": [record["trajectories"][0] | {"alignment": ["a", "b"]}]},
        "outcomes as words": record | {"outcomes": "none"},
    }


DAMAGES = [*damaged({"outcomes": [{}], "claims": [{}], "trajectories": [{}]})]


@pytest.mark.parametrize("form", ["html", "markdown"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_record_is_one_clear_error(name: str, form: Form, reproduced: Path) -> None:
    path = reproduced / "table.json"
    path.write_text(json.dumps(damaged(json.loads(path.read_text("utf-8")))[name]), "utf-8")
    with pytest.raises((DataError, UsageError), match=r"table\.json"):
        report([reproduced], form)


def test_a_record_that_is_too_deep_is_one_clear_error(reproduced: Path) -> None:
    path = reproduced / "table.json"
    path.write_text(path.read_text("utf-8").rstrip().rstrip("}") + ', "deep": ' + "[" * 200_000, "utf-8")
    with pytest.raises(DataError, match="RecursionError"):
        report([reproduced])


def test_a_loss_that_was_not_finite_leaves_a_gap(trained: Path) -> None:
    log = (trained / "log.jsonl").read_text("utf-8")
    (trained / "log.jsonl").write_text(log.replace('"loss": 1.5', '"loss": NaN'), "utf-8")
    assert "nan" not in report([trained]).partition("<svg")[2].partition("</svg>")[0].lower()


@pytest.mark.parametrize("name", MISTAKES)
def test_what_no_page_can_be_made_of_is_told(name: str, tmp_path: Path) -> None:
    text, error, words = MISTAKES[name]
    if text:
        (tmp_path / "table.json").write_text(text, "utf-8")
    with pytest.raises(error, match=words):
        report([tmp_path])


def test_files_that_hold_no_scores(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n', "utf-8")
    with pytest.raises(UsageError, match="holds no scores"):
        report([tmp_path / "a.jsonl"])
    with pytest.raises(UsageError, match="There is no nowhere"):
        report(["nowhere"])
    with pytest.raises(UsageError, match="nothing to report on"):
        report([])


def test_a_page_is_written_whole(adapted: Path, tmp_path: Path) -> None:
    write_report(tmp_path / "deep" / "page.html", [adapted], title="我的报告")
    assert "<title>我的报告</title>" in (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")


def test_reasons_are_said_in_the_language_that_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "STS-B test has 100 pairs, 1261 fewer than the published 1361: its figures cannot be compared with published tables."
    both = f"{reason} learned without the sentences of BQ train, dev, which are not here. measured on the split dev."
    assert spoken_reason(both) == both
    monkeypatch.setenv("JUYI_LANGUAGE", "zh")
    assert spoken_reason(both) == (
        "STS-B test 有 100 对，比公布的 1361 对少 1261 对，不能与公布的表相比。 学习时缺 BQ train, dev 的句子，这里没有这些数据。"
        " 测的是 dev 划分。"
    )
    assert spoken_reason("something else") == "something else"
    assert spoken_reason("learned from mine.v2.txt.") == "学习用的是 mine.v2.txt。"
    more = reason.replace("1261 fewer", "5 more").replace("STS-B", "BQ")
    assert spoken_reason(f"{more} {reason}").count("BQ test 有 100 对，比公布的 1361 对多 5 对") == 1
    assert spoken_reason(f"{more} {reason}").count("STS-B test 有 100 对，比公布的 1361 对少 1261 对") == 1
    hub = "a/b.c is not on this machine. To fetch it: hf download a/b.c. If it lies here: --folder a/b.c=PATH."
    assert spoken_reason(hub) == "本机没有 a/b.c。下载：hf download a/b.c；已在本机则加 --folder a/b.c=路径。"


def test_every_reason_that_is_known_is_one_that_is_written() -> None:
    sources = [path for path in Path(juyi.__file__).parent.rglob("*.py") if path.name != "reasons.py"]
    written = re.sub(r"[\s\"]*\n\s*f?\"", "", "".join(path.read_text(encoding="utf-8") for path in sources))
    for sentence in _sentences():
        for part in filter(None, (part.strip(" .,:") for part in re.split(r"\{\w+\}", sentence))):
            assert part in written, sentence
