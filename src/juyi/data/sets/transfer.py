"""The seven transfer sets of SentEval in a folder: MR, CR, SUBJ, MPQA, SST2, TREC and MRPC, as flat files or in its layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from juyi.data.files import PathLike, read_lines
from juyi.data.row_shapes import LabelledPairs, LabelledTexts
from juyi.data.sets.layouts import Files, downstream_folder, existing_folder, listed, names_in, sentence, tab_rows
from juyi.errors import DataError, UsageError

TRANSFER_SETS = ("MR", "CR", "SUBJ", "MPQA", "SST2", "TREC", "MRPC")

_SPLITS = {"SST2": ("train", "dev", "test"), "TREC": ("train", "test"), "MRPC": ("train", "test")}
_LABELS = {"TREC": ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")}  # those of the others are 0 and 1

_SENTEVAL = {
    # One file a label: that of label 1, then that of label 0.
    ("MR", "all"): ("MR/rt-polarity.pos", "MR/rt-polarity.neg"),
    ("CR", "all"): ("CR/custrev.pos", "CR/custrev.neg"),
    ("SUBJ", "all"): ("SUBJ/subj.subjective", "SUBJ/subj.objective"),
    ("MPQA", "all"): ("MPQA/mpqa.pos", "MPQA/mpqa.neg"),
    ("SST2", "train"): ("SST/binary/sentiment-train",),
    ("SST2", "dev"): ("SST/binary/sentiment-dev",),
    ("SST2", "test"): ("SST/binary/sentiment-test",),
    ("TREC", "train"): ("TREC/train_5500.label",),
    ("TREC", "test"): ("TREC/TREC_10.label",),
    ("MRPC", "train"): ("MRPC/msr_paraphrase_train.txt",),
    ("MRPC", "test"): ("MRPC/msr_paraphrase_test.txt",),
}
_LAYOUTS = (
    "flat files (mr.tsv, sst2.train.tsv, trec.test.tsv, …, each also with .gz or .xz) and SentEval's downstream folder "
    "or its parent (MR/rt-polarity.pos, SST/binary/sentiment-train, TREC/TREC_10.label, MRPC/msr_paraphrase_train.txt, …)"
)


@dataclass(frozen=True)
class TransferSet:
    """A labelled set of SentEval, split by split; `all` is the one split of the sets that are cross-validated.

    Labels are "0" and "1" (of SUBJ 1 is subjective), and of TREC the six coarse classes. MRPC holds pairs, the others texts.
    """

    name: str
    splits: Mapping[str, LabelledTexts | LabelledPairs]


def find_transfer_sets(folder: PathLike) -> Files:
    """The files of the transfer sets in a folder, by (set, split): ("MR", "all") or ("SST2", "dev"), for example.

    Two layouts are looked for: flat files, `mr.tsv` or `sst2.dev.tsv`; and SentEval's downstream folder, or the folder that holds
    `downstream`. Where both hold a split, the flat file is taken.

    Raises:
        DataError: The folder does not exist or holds nothing of these, or a flat file is there twice.
    """
    root = existing_folder(folder, _LAYOUTS)
    downstream = downstream_folder(root)
    found: Files = {}
    for (name, split), files in _SENTEVAL.items():
        stem = f"{name}.tsv" if split == "all" else f"{name}.{split}.tsv"
        flat = [path for path in sorted(root.iterdir()) if re.fullmatch(rf"{stem}(\.gz|\.xz)?", path.name, re.IGNORECASE)]
        if len(flat) > 1:
            reason = f"both '{flat[0]}' and '{flat[1]}' are the {split} split of {name}. Keep one of them."
            raise DataError(reason, path=folder)
        places = tuple(downstream / file for file in files)
        if flat or any(place.is_file() for place in places):
            found[name, split] = tuple(flat) or places
    if not found:
        raise DataError(f"none of the transfer sets is here. Looked for: {_LAYOUTS}. {names_in(root)}", path=folder)
    return found


def read_transfer_set(folder: PathLike, name: str) -> TransferSet:
    """All splits of one transfer set.

    Words are joined by single blanks, as SentEval does. Blank lines are left out: the raw files of CR and MPQA have four and
    three, so that 3,771 and 10,603 sentences remain.

    Args:
        folder: Where the sets lie; the layouts are those of `find_transfer_sets`.
        name: One of `TRANSFER_SETS`.

    Raises:
        UsageError: There is no set of this name.
        DataError: The folder does not hold every split of the set, or a line cannot be used.
    """
    if name not in TRANSFER_SETS:
        raise UsageError(f"there is no transfer set '{name}'. Allowed: {', '.join(TRANSFER_SETS)}.")
    found = find_transfer_sets(folder)
    splits = _SPLITS.get(name, ("all",))
    missing = [split for split in splits if (name, split) not in found]
    if missing:
        what = name if missing == ["all"] else f"{name} {' and '.join(missing)}"
        raise DataError(f"{what} is not here. Found: {listed(found)}. Looked for: {_LAYOUTS}.", path=folder)
    return TransferSet(name, {split: _read(name, found[name, split]) for split in splits})


def _read(name: str, paths: Sequence[Path]) -> LabelledTexts | LabelledPairs:
    allowed = _LABELS.get(name, ("0", "1"))
    labels: list[str] = []
    texts: list[list[str]] = []
    for place, path in enumerate(paths):
        for line, label, cells in _rows(name, path, one=place == 0):
            if label not in allowed:
                raise DataError(f"the label is '{label[:40]}', and one of {', '.join(allowed)} is needed.", path=path, line=line)
            labels.append(label)
            texts.append([sentence(cell, path, line) for cell in cells])
    if name == "MRPC":
        return LabelledPairs([text[0] for text in texts], [text[1] for text in texts], labels)
    return LabelledTexts(labels, [text[0] for text in texts])


def _rows(name: str, path: Path, *, one: bool) -> Iterator[tuple[int, str, list[str]]]:
    """The line, the label and the one or two sentences of each row."""
    if ".tsv" in path.name.lower():
        for line, cells in tab_rows(path, 3 if name in ("TREC", "MRPC") else 2):
            yield line, cells[0], cells[1:] if name == "MRPC" else cells[-1:]
    elif name == "SST2":
        for line, cells in tab_rows(path, 2):
            yield line, cells[1], cells[:1]
    elif name == "MRPC":
        for line, cells in tab_rows(path, 5, has_header=True):
            yield line, cells[0], cells[3:]
    elif name == "TREC":
        for line, text in read_lines(path, encoding="latin-1"):
            label, _, rest = text.partition(":")
            yield line, label, [rest.partition(" ")[2]]
    else:
        for line, text in read_lines(path, encoding="latin-1"):
            yield line, "1" if one else "0", [text]
