"""Errors of the system in words."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from juyi.errors import JuyiError, OutputError, system_error, system_words


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.EROFS, "words"), errno.EROFS),
        (OSError("2000 requested and 0 written"), errno.ENOSPC),
        (shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]), errno.ENOSPC),
        (Exception("Error while serializing: I/O error: No space left on device (os error 28)"), errno.ENOSPC),
        (OSError("words alone"), None),
    ],
)
def test_an_error_of_the_system_is_found_behind_others(error: Exception, number: int | None) -> None:
    found = system_error(error)
    assert found is not None and found.errno == number


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("[enforce fail at inline_container.cc:672]"), KeyError("28")])
def test_other_errors_are_none(error: Exception) -> None:
    assert system_error(error) is None


def test_what_torch_covers_is_found() -> None:
    torch = pytest.importorskip("torch")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises((RuntimeError, OSError)) as caught, full.open("wb") as file:
        torch.save({"w": torch.zeros(100_000)}, file)
    found = system_error(caught.value)
    assert found is not None and found.errno == errno.ENOSPC


def test_an_output_error_says_where_why_and_what_to_do() -> None:
    error = OutputError("out.npy", OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(error, JuyiError) and isinstance(error, OSError)
    assert str(error) == "out.npy cannot be written: the disk is full. Free some space, or take a place on another disk."
    assert (error.path, error.errno) == ("out.npy", errno.ENOSPC) and error.reason.startswith("the disk is full")
    assert str(OutputError("out", "no. Do.")) == "out cannot be written: no. Do."
    assert system_words(OSError(errno.ENOTEMPTY, "Directory not empty")).startswith("Directory not empty. ")


def test_numpy_on_a_full_disk_says_what_is_expected_of_it() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match=r"requested and \d+ written|No space left") as caught, Path("/dev/full").open("wb") as file:
        np.save(file, np.zeros(1_000_000))
    found = system_error(caught.value)
    assert found is not None and found.errno == errno.ENOSPC
