"""The ways to put teachers together differ in one thing at a time, and their shares stay shares."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from juyi.teachers import Teacher
from teacher_study import UNREDUCED, ways


def test_each_alone_and_all_together() -> None:
    first, second = Teacher("a", weight=0.7, centring=0.6), Teacher("b", weight=0.3, centring=1.0)
    found = list(ways((first, second), 384))
    assert len({title for title, _, _ in found}) == len(found)
    alone = [(teachers[0].model, teachers[0].centring, width) for _, teachers, width in found if len(teachers) == 1]
    assert alone == [("a", 0.0, UNREDUCED), ("a", 1.0, UNREDUCED), ("b", 0.0, UNREDUCED), ("b", 1.0, UNREDUCED)]
    joined = [(teachers, width) for _, teachers, width in found if len(teachers) == 2]
    assert ((first, second), 384) in joined and ((first, second), UNREDUCED) in joined
    for teachers, _ in joined:
        assert [teacher.model for teacher in teachers] == ["a", "b"] and teachers[1].centring == 1.0
        assert sum(teacher.weight for teacher in teachers) == pytest.approx(1.0)
