"""Distillation of neighbourhoods: a student finds a teacher's rows as near as the teacher does."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import kl_div

from juyi.losses.unit_rows import unit_rows


def neighbours(student: Tensor, teacher: Tensor, candidates: Tensor | None = None, *, temperature: float = 0.05) -> Tensor:
    """Mean divergence of softmax_j(cos(s_i, c_j) / temperature) from softmax_j(cos(t_i, c_j) / temperature).

    InfoNCE asks to tell a row's own target from all others, those too that the teacher holds nearly alike. This does not: it is
    0 where s_i points where t_i does. Where no two targets are near each other the two are nearly the same. No gradient reaches
    the teacher.

    Args:
        student: The rows as the student encodes them.
        teacher: The targets of these rows.
        candidates: Whose nearness is compared: the targets of all processes; those of these rows where not given.
        temperature: Divides the cosines.

    Shapes:
        student, teacher: (n, dim); candidates: (m, dim); result: scalar.

    Source:
        Fang et al., SEED (arXiv:2101.04731), section 3; there the candidates are a queue, teacher and student have temperatures
        of their own, and cross-entropy stands in for the divergence, which differs by a constant.
    """
    targets = unit_rows(teacher.detach())
    others = targets if candidates is None else unit_rows(candidates.detach())
    found = (unit_rows(student) @ others.T / temperature).log_softmax(1)  # (n, m)
    wanted = (targets @ others.T / temperature).log_softmax(1)
    return kl_div(found, wanted, reduction="batchmean", log_target=True)
