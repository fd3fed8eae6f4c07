from __future__ import annotations

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
    lines = read_lines(write(tmp_path, "好\n".encode() + b"\xff\n"))
    assert next(lines) == (1, "好")
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


def test_gb18030_is_named_with_its_line_and_byte(tmp_path):
    path = write(tmp_path, b"abc\n" + "x你好".encode("gb18030"))
    with pytest.raises(DataError, match=r"line 2: byte 0xc4 at position 2 .* pass --encoding gb18030") as caught:
        list(read_lines(path))
    assert caught.value.line == 2
    assert [line for _, line in read_lines(path, encoding="gb18030")] == ["abc", "x你好"]


def test_damaged_utf8_is_not_called_gb18030(tmp_path):
    broken = "今天天气很好我们去公园玩".encode()
    broken = broken[:9] + b"\xb0\xa1" + broken[9:]
    broken.decode("gb18030")  # it would pass as gb18030, as a line of rare characters
    with pytest.raises(DataError, match="damaged") as caught:
        list(read_lines(write(tmp_path, broken)))
    assert "gb18030" not in str(caught.value)


def test_utf8_read_as_something_else(tmp_path):
    with pytest.raises(DataError, match="Pass --encoding utf-8"):
        list(read_lines(write(tmp_path, "\ufeff你好".encode()), encoding="gb18030"))
    with pytest.raises(DataError, match=r"is not ascii\. Pass --encoding utf-8"):
        list(read_lines(write(tmp_path, "你好".encode()), encoding="ascii"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_encodings_are_named_and_can_be_read(tmp_path, encoding):
    path = write(tmp_path, "你好\r\n世界".encode(encoding))
    with pytest.raises(DataError, match=f"mark of {encoding.upper()}.*--encoding {encoding}"):
        list(read_lines(path))
    assert list(read_lines(path, encoding=encoding)) == [(1, "你好"), (2, "世界")]


def test_nul_bytes_are_named(tmp_path):
    with pytest.raises(DataError, match="line 2: holds NUL bytes"):
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


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.xz"])
def test_misnamed_and_cut_off_archives(tmp_path, name):
    packed = {"gz": gzip.compress, "xz": lzma.compress}[name[-2:]](b"text\n" * 1000)
    for data in (b"plain text", packed[:-10]):
        with pytest.raises(DataError, match="cannot be unpacked"):
            list(read_lines(write(tmp_path, data, name)))
