"""Distillation against double loops in float64."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.losses import distillation

Rows = NDArray[np.float64]
WEIGHTS = ("cosine_weight", "softmax_weight", "structure_weight")
ONLY = {
    "cosine": {"softmax_weight": 0.0, "structure_weight": 0.0},
    "softmax": {"cosine_weight": 0.0, "structure_weight": 0.0},
    "structure": {"cosine_weight": 0.0, "softmax_weight": 0.0},
}


def cosine(first: Rows, second: Rows) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    return dot / math.sqrt(sum(a * a for a in first)) / math.sqrt(sum(b * b for b in second))


def slow_cosine(students: Rows, teachers: Rows, offset: int, count: int) -> float:
    return sum(1 - cosine(students[i], teachers[i]) for i in range(offset, offset + count)) / count


def slow_softmax(students: Rows, teachers: Rows, offset: int, count: int, temperature: float) -> float:
    total = 0.0
    for i in range(offset, offset + count):
        below = 0.0
        for j in range(len(teachers)):
            if j == i or cosine(teachers[i], teachers[j]) <= 0.999:
                below += math.exp(cosine(students[i], teachers[j]) / temperature)
        total -= math.log(math.exp(cosine(students[i], teachers[i]) / temperature) / below)
    return total / count


def slow_structure(students: Rows, teachers: Rows, offset: int, count: int) -> float:
    total = 0.0
    for i, j in product(range(offset, offset + count), range(len(students))):
        total += (cosine(students[i], students[j]) - cosine(teachers[i], teachers[j])) ** 2
    return total / (count * len(students))


def rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 5)) * random.uniform(0.1, 9.0, size=(count, 1))


def repeated(count: int) -> Rows:
    """Targets of which the last two are those of the first two, one of them in another length."""
    targets = rows(count, 2)
    targets[-1], targets[-2] = 3 * targets[0], targets[1]
    return targets


def tensors(*arrays: Rows) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize(("count", "offset", "temperature"), list(product([1, 4], [0, 2], [0.05, 0.5])))
def test_each_term_equals_its_slow_loop(count: int, offset: int, temperature: float) -> None:
    students, teachers = rows(count + offset + 3, 1), repeated(count + offset + 3)
    own = slice(offset, offset + count)
    expected = {
        "cosine": slow_cosine(students, teachers, offset, count),
        "softmax": slow_softmax(students, teachers, offset, count, temperature),
        "structure": slow_structure(students, teachers, offset, count),
    }
    s, t = tensors(students, teachers)
    for term, others in ONLY.items():
        result = distillation(s[own], t[own], everyone=(s, t), offset=offset, temperature=temperature, **others)
        assert result.shape == () and result.dtype == torch.float32
        assert float(result) == pytest.approx(expected[term], rel=2e-5, abs=2e-6), term
    weights = {"cosine_weight": 0.3, "softmax_weight": 1.7, "structure_weight": 10.0}
    result = distillation(s[own], t[own], everyone=(s, t), offset=offset, temperature=temperature, **weights)
    wanted = 0.3 * expected["cosine"] + 1.7 * expected["softmax"] + 10 * expected["structure"]
    assert float(result) == pytest.approx(wanted, rel=2e-5)


def test_the_defaults_are_one_process_a_twentieth_and_ones() -> None:
    students, teachers = rows(6, 1), repeated(6)
    wanted = slow_cosine(students, teachers, 0, 6) + slow_softmax(students, teachers, 0, 6, 0.05)
    wanted += slow_structure(students, teachers, 0, 6)
    assert float(distillation(*tensors(students, teachers))) == pytest.approx(wanted, rel=2e-5)


def test_rows_of_one_meaning_are_no_negatives() -> None:
    students, teachers = tensors(rows(4, 1), np.repeat(rows(1, 2), 4, axis=0) * [[1], [2], [3], [0.1]])
    assert float(distillation(students, teachers, **ONLY["softmax"])) == 0.0
    near = torch.tensor([[1.0, 0.0], [0.9985, math.sqrt(1 - 0.9985**2)]])  # below 0.999: two meanings
    assert float(distillation(torch.eye(2), near, **ONLY["softmax"])) > 0.1


@pytest.mark.parametrize("term", [*ONLY, "all"])
def test_the_pieces_of_a_split_batch_average_to_the_whole_with_their_gradients(term: str) -> None:
    given, targets = torch.from_numpy(rows(6, 1)), torch.from_numpy(repeated(6))
    weights = ONLY.get(term, {})
    alone = given.clone().requires_grad_()
    whole = distillation(alone, targets, **weights)
    whole.backward()
    students = given.clone().requires_grad_()
    pieces = [slice(i, i + 2) for i in (0, 2, 4)]
    parts = [distillation(students[p], targets[p], everyone=(students, targets), offset=p.start, **weights) for p in pieces]
    mean = torch.stack(parts).mean()
    mean.backward()
    torch.testing.assert_close(mean, whole)
    torch.testing.assert_close(students.grad, alone.grad)
    assert alone.grad is not None and float(alone.grad.abs().max()) > 0


def test_gradients_of_the_structure_agree_with_finite_differences() -> None:
    students, teachers = rows(4, 1), rows(4, 2)
    leaf = torch.from_numpy(students).requires_grad_()
    distillation(leaf, torch.from_numpy(teachers), **ONLY["structure"]).backward()
    assert leaf.grad is not None
    for i, j in product(range(4), range(5)):
        step = np.zeros_like(students)
        step[i, j] = 1e-5
        plus, minus = (slow_structure(students + s, teachers, 0, 4) for s in (step, -step))
        assert float(leaf.grad[i, j]) == pytest.approx((plus - minus) / 2e-5, abs=1e-5)


def test_no_gradient_reaches_the_teacher() -> None:
    student, teacher, candidates = (torch.from_numpy(rows(4, seed)).requires_grad_() for seed in (1, 2, 2))
    distillation(student, teacher, everyone=(student, candidates)).backward()
    assert student.grad is not None and teacher.grad is None and candidates.grad is None


def test_a_weight_of_zero_leaves_its_term_out() -> None:
    """A term that is computed and then multiplied by 0 would give nan here."""
    student, teacher, bad = (torch.from_numpy(array) for array in (rows(3, 1), rows(3, 2), np.full((3, 5), math.nan)))
    assert math.isfinite(float(distillation(student, teacher, everyone=(bad, bad), **ONLY["cosine"])))
    assert math.isfinite(float(distillation(student, teacher, everyone=(bad, teacher), **ONLY["softmax"])))
    assert math.isfinite(float(distillation(bad, teacher, everyone=(student, teacher), **dict.fromkeys(WEIGHTS, 0.0))))
    assert math.isfinite(float(distillation(student, teacher, temperature=0.0, **ONLY["structure"])))
    assert math.isfinite(float(distillation(student, bad, everyone=(student, teacher), **ONLY["softmax"])))


def test_a_student_that_is_the_teacher_in_another_length_has_nothing_to_change() -> None:
    teacher = torch.from_numpy(rows(5, 1))
    assert float(distillation(4 * teacher, teacher, softmax_weight=0.0)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_are_computed_in_float32(dtype: torch.dtype) -> None:
    student, teacher = (torch.from_numpy(rows(5, seed)).to(dtype) for seed in (1, 2))
    result = distillation(student, teacher)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, distillation(student.float(), teacher.float()))


def test_zero_rows_stay_finite() -> None:
    student = torch.zeros(3, 4, requires_grad=True)
    loss = distillation(student, torch.zeros(3, 4))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1 + math.log(3))
    assert student.grad is not None and torch.isfinite(student.grad).all()
