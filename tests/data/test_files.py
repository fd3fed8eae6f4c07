from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.data.files import read_lines, suffix_of
from juyi.errors import DataError, UsageError


def write(folder: Path, data: bytes, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_suffix_looks_through_compression():
    assert [suffix_of(name) for name in ("a.tsv", "b.x.TSV.gz", "c.txt.xz", "d", "-", "e.gz")] == [
        "tsv",
        "tsv",
        "txt",
        "",
        "",
        "",
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.xz"])
def test_mark_windows_ends_and_blank_lines(tmp_path, name):
    data = "\ufeff你好\r\n\r\n世界 \u2028x\x0c\n".encode()
    data = {"gz": gzip.compress, "xz": lzma.compress}.get(name[-2:], bytes)(data)
    path = write(tmp_path, data, name)
    assert list(read_lines(path)) == [(1, "你好"), (3, "世界 \u2028x\x0c")]
    assert list(read_lines(path, keep_blank=True)) == [(1, "你好"), (2, ""), (3, "世界 \u2028x\x0c")]
    assert list(read_lines(path, encoding="utf-8-sig")) == [(1, "你好"), (3, "世界 \u2028x\x0c")]


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\ufeff")), min_size=1),
    st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)
def test_lines_come_back(tmp_path_factory, lines, encoding):
    path = write(tmp_path_factory.mktemp("lines"), "\n".join(["x", *lines]).encode(encoding))
    got = [line for _, line in read_lines(path, encoding=encoding, keep_blank=True)]
    assert got == (["x", *lines] if lines[-1] else ["x", *lines[:-1]])


def test_reads_one_line_at_a_time(tmp_path):
    lines = read_lines(write(tmp_path, "好了\n".encode() + b"\xff\n"))
    assert next(lines) == (1, "好了")
    with pytest.raises(DataError, match="line 2"):
        next(lines)


def test_standard_input_stays_open(monkeypatch):
    stream = io.BytesIO("一\n二\n".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert [line for _, line in read_lines("-")] == ["一", "二"]
    stream.seek(0)
    stream.write("三".encode("utf-16"))
    stream.truncate()
    stream.seek(0)
    assert [line for _, line in read_lines("-", encoding="utf-16")] == ["三"]
    assert not stream.closed


def test_another_encoding_further_down_is_named_with_its_line_and_byte(tmp_path):
    start = "怎么还款\n" * 30_000  # more than is looked at to find the encoding
    path = write(tmp_path, start.encode() + "x你好".encode("gb18030"))
    with pytest.raises(DataError, match=r"line 30001: byte 0xc4 at position 2 .*--encoding gb18030") as caught:
        list(read_lines(path))
    assert caught.value.line == 30_001


def test_damaged_utf8_is_not_called_gb18030(tmp_path):
    broken = "今天天气很好我们去公园玩".encode()
    broken = broken[:9] + b"\xb0\xa1" + broken[9:]
    broken.decode("gb18030")  # it would pass as gb18030, as a line of rare characters
    with pytest.raises(DataError, match="damaged") as caught:
        list(read_lines(write(tmp_path, broken)))
    assert "gb18030" not in str(caught.value)


def test_utf8_read_as_something_else(tmp_path):
    with pytest.raises(DataError, match="--encoding utf-8"):
        list(read_lines(write(tmp_path, "\ufeff你好".encode()), encoding="gb18030"))
    with pytest.raises(DataError, match=r"is not ascii.*--encoding utf-8"):
        list(read_lines(write(tmp_path, "你好".encode()), encoding="ascii"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "怎么还款\r\n"),
        ("utf-8-sig", "怎么还款\n"),
        ("utf-16", "你好\r\n世界"),
        ("utf-32", "你好\r\n世界"),
        ("utf-16-le", "怎么还信用卡\n信用卡如何还款\n"),
        ("utf-16-be", "how do I pay\nmy card"),
        ("gb18030", "花呗怎么还款\n借呗如何开通"),
        ("gbk", "怎么还\n"),
        ("big5", "信用卡怎麼還款\n請問我的帳單在哪裡查詢"),
        ("cp1252", "où est le café\nà côté\n"),
        ("ascii", "plain\n"),
    ],
)
def test_encodings_are_found(tmp_path, encoding, text):
    path = write(tmp_path, text.encode(encoding))
    for named in (None, encoding):
        assert [line for _, line in read_lines(path, encoding=named)] == text.splitlines()


def test_a_mark_contradicts_the_encoding_that_was_named(tmp_path):
    with pytest.raises(DataError, match=r"mark of UTF-16.*--encoding utf-16"):
        list(read_lines(write(tmp_path, "你好".encode("utf-16")), encoding="utf-8"))


def test_a_character_cut_at_the_end_of_the_first_bytes_is_whole(tmp_path):
    line = "x" + "好" * 99_999
    assert list(read_lines(write(tmp_path, line.encode()))) == [(1, line)]


def test_old_ends_of_lines(tmp_path):
    assert list(read_lines(write(tmp_path, "一\r\r二\r三".encode()))) == [(1, "一"), (3, "二"), (4, "三")]
    assert list(read_lines(write(tmp_path, "一\r二".encode("utf-16")))) == [(1, "一"), (2, "二")]


def test_nul_bytes_are_named(tmp_path):
    with pytest.raises(DataError, match="holds NUL bytes"):
        list(read_lines(write(tmp_path, b"a\nb\0c\n")))
    with pytest.raises(DataError, match="is not utf-16"):
        list(read_lines(write(tmp_path, b"\xff\xfea\0b"), encoding="utf-16"))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n \r\n\n"])
def test_empty_file(tmp_path, data):
    with pytest.raises(DataError, match="the file is empty"):
        list(read_lines(write(tmp_path, data), keep_blank=True))


def test_missing_folder_and_unknown_encoding_are_told_at_once(tmp_path):
    write(tmp_path, b"x", "questions.txt")
    with pytest.raises(DataError, match=r"no such file. Did you mean '.*questions.txt'"):
        read_lines(tmp_path / "question.txt")
    with pytest.raises(DataError, match="does not exist either"):
        read_lines(tmp_path / "no" / "question.txt")
    with pytest.raises(DataError, match="this is a folder"):
        read_lines(tmp_path)
    for encoding in ("klingon", "base64"):
        with pytest.raises(UsageError, match=f"no text encoding '{encoding}'"):
            read_lines(tmp_path / "questions.txt", encoding=encoding)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_archives_are_told_by_their_content(tmp_path, pack):
    packed = pack(b"text\n" * 1000)
    for name in ("a.txt", "a.txt.gz"):
        assert len(list(read_lines(write(tmp_path, packed, name)))) == 1000
    with pytest.raises(DataError, match="cannot be unpacked"):
        list(read_lines(write(tmp_path, packed[:-10], "a.txt.gz")))
    assert list(read_lines(write(tmp_path, b"plain", "a.txt.gz"))) == [(1, "plain")]


def test_other_archives_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"zip archive\. Unpack it"):
        read_lines(write(tmp_path, b"PK\x03\x04rest", "a.txt"))
