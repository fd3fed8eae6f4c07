"""Writing that is whole or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from juyi.errors import UsageError


@contextmanager
def replaced_folder(folder: str | Path, *manifests: str) -> Iterator[Path]:
    """A temporary folder beside the wanted one, which takes its place when the block ends without an error.

    A reader sees the old folder or the new one, never a half-written one. A process that is killed while it writes leaves the old
    folder as it was, and a hidden `.name.….tmp` beside it that may be deleted. Only in the instant between two renames is there
    none; then the old one lies beside, named `.name.….old`.

    Args:
        folder: Where the result shall be; its parents are made.
        manifests: Files by which a folder of the same kind is known. Any other folder with content is left alone.

    Raises:
        UsageError: Something else is there already.
    """
    target = Path(folder).absolute()
    _check_replaceable(target, manifests)
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}"
    fresh, old = target.with_name(f"{stem}.tmp"), target.with_name(f"{stem}.old")
    fresh.mkdir()
    try:
        yield fresh
        # A folder cannot be renamed over one with content: the old one steps aside first.
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def replaced_file(target: Path) -> Iterator[Path]:
    """A temporary name beside a file, whose content takes the file's place when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a UTF-8 file under a temporary name and rename it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _check_replaceable(target: Path, manifests: tuple[str, ...]) -> None:
    if not target.exists():
        return
    if target.is_dir() and (any((target / name).is_file() for name in manifests) or not any(target.iterdir())):
        return
    kind = f"a folder with other content (it has no {' or '.join(manifests)})" if target.is_dir() else "a file"
    raise UsageError(f"{target} is {kind}, and saving would replace it. Give a new folder, or one that was saved before.")
