"""What is judged, behind one small protocol."""

from properties.subjects.core import CORE_SUBJECTS, CoreSubject
from properties.subjects.protocol import (
    TRIES,
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
    "TRIES",
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
