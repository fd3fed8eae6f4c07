"""Distillation of neighbourhoods against a double loop in float64, and beside InfoNCE."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.losses import info_nce, neighbours

Rows = NDArray[np.float64]


def rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 5)) * random.uniform(0.1, 9.0, size=(count, 1))


def slow(students: Rows, teachers: Rows, candidates: Rows, temperature: float) -> float:
    total = 0.0
    for student, teacher in zip(students, teachers, strict=True):
        hoped, found = (
            [math.exp(float(row @ c) / math.sqrt(float(row @ row) * float(c @ c)) / temperature) for c in candidates]
            for row in (teacher, student)
        )
        for h, f in zip(hoped, found, strict=True):
            total += h / sum(hoped) * math.log(h / sum(hoped) / (f / sum(found)))
    return total / len(students)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
@pytest.mark.parametrize("more", [0, 3])
def test_it_equals_the_slow_loop(temperature: float, more: int) -> None:
    students, teachers = rows(4, 1), rows(4, 2)
    candidates = np.concatenate([teachers, rows(more, 3)])
    given = torch.from_numpy(candidates) if more else None
    result = neighbours(torch.from_numpy(students), torch.from_numpy(teachers), given, temperature=temperature)
    assert result.shape == () and result.dtype == torch.float32
    assert float(result) == pytest.approx(slow(students, teachers, candidates, temperature), rel=2e-5)


def test_a_student_that_is_the_teacher_has_nothing_to_change_where_info_nce_would_have() -> None:
    near = torch.from_numpy(rows(5, 1)) + torch.tensor([[0.0, 0.0, 0.0, 0.0, 30.0]])  # all in one direction
    gradients = []
    for loss in (neighbours, info_nce):
        student = (4 * near).requires_grad_()
        loss(student, near).backward()
        assert student.grad is not None
        gradients.append(float(student.grad.abs().max()))
    assert gradients[0] < 1e-6
    assert gradients[1] > 1e-3


def test_far_targets_make_it_info_nce() -> None:
    far = torch.eye(5, dtype=torch.float64)
    student = torch.from_numpy(rows(5, 1))
    assert float(neighbours(student, far)) == pytest.approx(float(info_nce(student, far)), abs=1e-5)


def test_no_gradient_reaches_the_teacher() -> None:
    student, teacher, candidates = (torch.from_numpy(rows(4, seed)).requires_grad_() for seed in (1, 2, 2))
    neighbours(student, teacher, candidates).backward()
    assert student.grad is not None and teacher.grad is None and candidates.grad is None
