from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from juyi.data import LabelledPairs, LabelledTexts
from juyi.data.sets import TRANSFER_SETS, find_transfer_sets, read_transfer_set
from juyi.errors import DataError, UsageError

BINARY = {
    "MR": ("MR/rt-polarity.pos", "MR/rt-polarity.neg"),
    "CR": ("CR/custrev.pos", "CR/custrev.neg"),
    "SUBJ": ("SUBJ/subj.subjective", "SUBJ/subj.objective"),
    "MPQA": ("MPQA/mpqa.pos", "MPQA/mpqa.neg"),
}
MRPC_HEADER = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"


def write(root: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def write_senteval(root: Path) -> None:
    for one, zero in BINARY.values():
        write(root, one, "caf\u00e9  \u00bd good .\n\nmore\n", "latin-1")
        write(root, zero, "bad .\n", "latin-1")
    for split in ("train", "dev", "test"):
        write(root, f"SST/binary/sentiment-{split}", f"a {split} film\t0\nso  good\t1\n")
    write(root, "TREC/train_5500.label", "NUM:dist How far : is \u00e9 ?\nDESC:def What ?\n", "latin-1")
    write(root, "TREC/TREC_10.label", "LOC:city Where ?\n", "latin-1")
    write(root, "MRPC/msr_paraphrase_train.txt", MRPC_HEADER + '1\t70\t71\t" one\ttwo  words\n0\t72\t73\tthree\tfour\r\n')
    write(root, "MRPC/msr_paraphrase_test.txt", MRPC_HEADER + "0\t1\t2\ta\tb\n")


def write_flat(root: Path) -> None:
    """The same as `write_senteval`, in the flat form."""
    for name in BINARY:
        write(root, f"{name.lower()}.tsv", "1\tcaf\u00e9 \u00bd good .\n1\tmore\n0\tbad .\n")
    for split in ("train", "dev", "test"):
        write(root, f"sst2.{split}.tsv", f"0\ta {split} film\n1\tso good\n")
    write(root, "trec.train.tsv", "NUM\tdist\tHow far : is \u00e9 ?\nDESC\tdef\tWhat ?\n")
    write(root, "trec.test.tsv", "LOC\tcity\tWhere ?\n")
    write(root, "mrpc.train.tsv", '1\t" one\ttwo words\n0\tthree\tfour\n')
    (root / "mrpc.test.tsv.gz").write_bytes(gzip.compress(b"0\ta\tb\n"))


EXPECTED = {
    **{name: {"all": LabelledTexts(["1", "1", "0"], ["café ½ good .", "more", "bad ."])} for name in BINARY},
    "SST2": {split: LabelledTexts(["0", "1"], [f"a {split} film", "so good"]) for split in ("train", "dev", "test")},
    "TREC": {
        "train": LabelledTexts(["NUM", "DESC"], ["How far : is é ?", "What ?"]),
        "test": LabelledTexts(["LOC"], ["Where ?"]),
    },
    "MRPC": {
        "train": LabelledPairs(['" one', "three"], ["two words", "four"], ["1", "0"]),
        "test": LabelledPairs(["a"], ["b"], ["0"]),
    },
}


@pytest.mark.parametrize("layout", ["flat", "downstream", "above downstream"])
def test_every_set_in_every_layout(tmp_path: Path, layout: str) -> None:
    if layout == "flat":
        write_flat(tmp_path)
    else:
        write_senteval(tmp_path if layout == "downstream" else tmp_path / "downstream")
    assert list(find_transfer_sets(tmp_path)) == [(name, split) for name, splits in EXPECTED.items() for split in splits]
    assert tuple(EXPECTED) == TRANSFER_SETS
    for name, splits in EXPECTED.items():
        got = read_transfer_set(tmp_path, name)
        assert (got.name, dict(got.splits)) == (name, splits)


def test_flat_files_come_first_in_any_case_and_once(tmp_path: Path) -> None:
    write_senteval(tmp_path)
    flat = write(tmp_path, "CR.TSV", "0\tflat\n")
    assert find_transfer_sets(tmp_path)["CR", "all"] == (flat,)
    assert read_transfer_set(tmp_path, "CR").splits == {"all": LabelledTexts(["0"], ["flat"])}
    write(tmp_path, "cr.tsv.gz", "")
    with pytest.raises(DataError, match=r"both .*CR\.TSV' and .*cr\.tsv\.gz' are the all split of CR. Keep one of them"):
        find_transfer_sets(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of the transfer sets.*sst2\.train\.tsv.*rt-polarity\.pos.*Found: nothing"):
        find_transfer_sets(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_transfer_set(tmp_path / "nope", "MR")
    write(tmp_path, "sst2.dev.tsv", "1\ta\n")
    with pytest.raises(DataError, match=r"SST2 train and test is not here\. Found: SST2 dev"):
        read_transfer_set(tmp_path, "SST2")
    with pytest.raises(DataError, match=r"MR is not here\. Found: SST2 dev"):
        read_transfer_set(tmp_path, "MR")
    with pytest.raises(UsageError, match=r"no transfer set 'SST5'\. Allowed: MR, CR"):
        read_transfer_set(tmp_path, "SST5")


def test_one_half_of_a_set_is_not_the_set(tmp_path: Path) -> None:
    write(tmp_path, "MPQA/mpqa.pos", "a\n")
    with pytest.raises(DataError, match=r"mpqa\.neg: there is no such file"):
        read_transfer_set(tmp_path, "MPQA")
    write(tmp_path, "MPQA/mpqa.neg", "\n")
    with pytest.raises(DataError, match=r"mpqa\.neg: the file is empty"):
        read_transfer_set(tmp_path, "MPQA")


@pytest.mark.parametrize(
    ("name", "file", "text", "place", "reason"),
    [
        ("MR", "mr.tsv", "1\ta\na\t1\n", "line 2", "the label is 'a', and one of 0, 1 is needed"),
        ("MR", "mr.tsv", "label\tsentence\n1\ta\n", "line 1", "the label is 'label'"),
        ("MR", "mr.tsv", "1\ta\n0\n", "line 2", "2 columns are needed, and this line has 1"),
        ("MR", "mr.tsv", "1\ta\tb\n", "line 1", "2 columns are needed, and this line has 3"),
        ("TREC", "trec.test.tsv", "LOC\tcity\tWhere ?\nWHO\tind\tWho ?\n", "line 2", "one of ABBR, DESC, ENTY, HUM, LOC, NUM"),
        ("TREC", "TREC/TREC_10.label", "LOC:city Where ?\nLOC:city\n", "line 2", "a sentence is empty"),
        ("TREC", "TREC/TREC_10.label", "Where ?\n", "line 1", "the label is 'Where \\?'"),
        ("SST2", "SST/binary/sentiment-dev", "a\t1\nb\t2\n", "line 2", "the label is '2'"),
        ("SST2", "SST/binary/sentiment-dev", "a\t1\n \t0\n", "line 2", "a sentence is empty"),
        ("MRPC", "mrpc.test.tsv", "1\t \tb\n", "line 1", "a sentence is empty"),
        ("MRPC", "MRPC/msr_paraphrase_test.txt", "1\t1\t2\ta\tb\n", "line 1", "must hold the names of the columns"),
        (
            "MRPC",
            "MRPC/msr_paraphrase_test.txt",
            MRPC_HEADER + "1\t1\t2\ta\n",
            "line 2",
            "5 columns are needed, and this line has 4",
        ),
    ],
)
def test_bad_lines(tmp_path: Path, name: str, file: str, text: str, place: str, reason: str) -> None:
    write_senteval(tmp_path)
    write(tmp_path, file, text)
    with pytest.raises(DataError, match=f"{file}, {place}: .*{reason}"):
        read_transfer_set(tmp_path, name)


@pytest.mark.shared
def test_real_sets(shared_data: Path) -> None:
    counts = {
        "MR": {"all": 10662},
        "CR": {"all": 3771},
        "SUBJ": {"all": 10000},
        "MPQA": {"all": 10603},
        "SST2": {"train": 67349, "dev": 872, "test": 1821},
        "TREC": {"train": 5452, "test": 500},
        "MRPC": {"train": 4076, "test": 1725},
    }
    folder = shared_data / "en_transfer"
    for name, expected in counts.items():
        assert {split: len(rows) for split, rows in read_transfer_set(folder, name).splits.items()} == expected
    assert Counter(read_transfer_set(folder, "TREC").splits["test"].labels).most_common(1) == [("DESC", 138)]


@pytest.mark.shared
@pytest.mark.parametrize("name", BINARY)
def test_real_set_in_both_layouts(shared_data: Path, tmp_path: Path, name: str) -> None:
    flat = read_transfer_set(shared_data / "en_transfer", name).splits["all"]
    assert isinstance(flat, LabelledTexts)
    for label, file in zip("10", BINARY[name], strict=True):
        lines = [text for text, own in zip(flat.texts, flat.labels, strict=True) if own == label]
        write(tmp_path, file, "\n".join(lines) + "\n", "latin-1")
    assert read_transfer_set(tmp_path, name).splits["all"] == flat
