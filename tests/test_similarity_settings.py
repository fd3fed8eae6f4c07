"""How a model's texts are compared, in a file beside its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.errors import ModelError
from juyi.hub import folder_digest
from juyi.similarity_settings import SIMILARITY, SimilaritySettings, read_similarity_settings, write_similarity_settings


def test_what_is_written_is_read_and_the_plain_cosine_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    digest = folder_digest(tmp_path)
    write_similarity_settings(tmp_path, SimilaritySettings())
    assert not (tmp_path / SIMILARITY).exists() and read_similarity_settings(tmp_path) == SimilaritySettings()
    write_similarity_settings(tmp_path, SimilaritySettings(overlap=0.2))
    assert read_similarity_settings(tmp_path).overlap == 0.2
    assert folder_digest(tmp_path) == digest  # the vectors are the same


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"overlap": "much"}', '{"overlap": 1.0}', '{"overlap": NaN}'])
def test_a_damaged_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / SIMILARITY).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="weight of word overlap"):
        read_similarity_settings(tmp_path)
