"""Distillation: a student takes over a teacher's sentence vectors, one by one and as a whole."""

from __future__ import annotations

import torch
from torch import Tensor

from juyi.losses.info_nce import info_nce
from juyi.losses.unit_rows import unit_rows

_SAME = 0.999
"""Targets above this cosine are one meaning: the same sentence twice, or the translation of it."""


def distillation(
    student: Tensor,
    teacher: Tensor,
    *,
    everyone: tuple[Tensor, Tensor] | None = None,
    offset: int = 0,
    temperature: float = 0.05,
    cosine_weight: float = 1.0,
    softmax_weight: float = 1.0,
    structure_weight: float = 1.0,
) -> Tensor:
    """Weighted sum of three distances between a student's vectors and a teacher's; a weight of 0 leaves its term out.

    - cosine: the mean of 1 - cos(s_i, t_i);
    - softmax: InfoNCE of finding each row's own target among all targets; a target that equals the row's own (cosine above
      0.999) is no negative, because translations and duplicates share theirs;
    - structure: the mean over i and j of (cos(s_i, s_j) - cos(t_i, t_j))^2, the rows of this process against all rows.

    Everything is computed on L2-normalised vectors in float32. No gradient reaches the teacher.

    Args:
        student: This process's rows as the student encodes them.
        teacher: The targets of these rows.
        everyone: The student's rows and the targets of all processes; this process's own when not given.
        offset: Where this process's rows begin among them.
        temperature: Divides the cosine in the softmax term.
        cosine_weight: Weight of the first term.
        softmax_weight: Weight of the second term.
        structure_weight: Weight of the third term.

    Shapes:
        student, teacher: (n, dim); everyone: twice (m, dim), m >= offset + n; result: scalar.

    Source:
        Reimers & Gurevych (arXiv:2004.09813) section 2 for targets shared by translations, squared error there and the cosine
        here; Park et al., RKD (arXiv:1904.05068) for the structure, Huber loss on distances and angles there and squared error
        on cosines here.
    """
    all_students, all_teachers = (student, teacher) if everyone is None else everyone
    students, others = unit_rows(student), unit_rows(all_students)
    targets, candidates = unit_rows(teacher.detach()), unit_rows(all_teachers.detach())
    total = torch.zeros((), device=student.device)
    if cosine_weight:
        total = total + cosine_weight * (1.0 - (students * targets).sum(1)).mean()
    if not (softmax_weight or structure_weight):
        return total
    wanted = targets @ candidates.T
    if softmax_weight:
        found = info_nce(students, candidates, temperature=temperature, offset=offset, ignore=wanted > _SAME)
        total = total + softmax_weight * found
    if structure_weight:
        total = total + structure_weight * (students @ others.T - wanted).square().mean()
    return total
