from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from juyi.data import LabelledTexts
from juyi.data.sets.clinc import read_clinc
from juyi.errors import DataError

ROWS = [
    ("train", "translate", "how do i say hello"),
    ("oos_test", "oos", "who won the cup"),
    ("train", "balance", 'what is "my" balance'),
    ("oos_test", "oos", "嗯"),
]
WANTED = {
    "train": LabelledTexts(["translate", "balance"], ["how do i say hello", 'what is "my" balance']),
    "oos_test": LabelledTexts(["oos", "oos"], ["who won the cup", "嗯"]),
}


def as_json() -> str:
    return json.dumps({split: [[text, intent] for s, intent, text in ROWS if s == split] for split in WANTED})


def test_rows_and_the_original_object_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "data_full.json").write_text(as_json(), encoding="utf-8")
    (tmp_path / "data_full.json.gz").write_bytes(gzip.compress(as_json().encode()))
    (tmp_path / "clinc.tsv").write_text("\n".join(map("\t".join, ROWS)), encoding="utf-8")
    (tmp_path / "named.tsv").write_text("split\tintent\tquery\n" + "\n".join(map("\t".join, ROWS)), encoding="utf-8")
    for file in tmp_path.iterdir():
        assert read_clinc(file) == WANTED, file.name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "an object of lists is needed"),
        ('{"train": {"a": "b"}}', "an object of lists is needed"),
        ('{"train": [["a", "b"], ["a"]]}', r'entry 1 of "train" is \[.a.\]'),
        ('{"train": [["a", 1]]}', 'entry 0 of "train"'),
        ('{"train": [["a", "b"], [" ", "b"]]}', 'entry 1 of "train"'),
        ('{"train": ["ab"]}', 'entry 0 of "train" is .ab.'),
    ],
)
def test_objects_of_another_form_are_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=words) as caught:
        read_clinc(file)
    assert caught.value.path == file


def test_rows_of_another_form_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.tsv"
    file.write_text("train\ttranslate\thallo\ntrain\t\thallo\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_clinc(file)
    with pytest.raises(DataError, match="no such file"):
        read_clinc(tmp_path / "none.json")


@pytest.mark.shared
def test_the_small_set_has_the_published_counts(shared_data: Path) -> None:
    splits = read_clinc(shared_data / "faq" / "clinc150.data_small.tsv")
    counts = {"train": 7500, "val": 3000, "test": 4500, "oos_train": 100, "oos_val": 100, "oos_test": 1000}
    assert {name: len(texts) for name, texts in splits.items()} == counts
    assert all(set(texts.labels) == {"oos"} for name, texts in splits.items() if name.startswith("oos"))
    assert len(set(splits["train"].labels)) == 150
