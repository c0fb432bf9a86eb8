"""What is judged, behind one small protocol."""

from properties.subjects.core import CORE_SUBJECTS, CoreSubject
from properties.subjects.protocol import (
    Answer,
    AnswerKind,
    Disturbance,
    Place,
    Request,
    Row,
    Subject,
    SubjectFactory,
)

__all__ = [
    "CORE_SUBJECTS",
    "Answer",
    "AnswerKind",
    "CoreSubject",
    "Disturbance",
    "Place",
    "Request",
    "Row",
    "Subject",
    "SubjectFactory",
]
