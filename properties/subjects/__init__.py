"""What is judged, behind one small protocol."""

from properties.subjects.core import CORE_SUBJECTS, CoreSubject
from properties.subjects.protocol import (
    EVERYTHING,
    TRIES,
    V9,
    Answer,
    AnswerKind,
    Disturbance,
    Layout,
    ModestSubject,
    Offer,
    Place,
    Request,
    Row,
    Subject,
    SubjectFactory,
)

__all__ = [
    "CORE_SUBJECTS",
    "EVERYTHING",
    "TRIES",
    "V9",
    "Answer",
    "AnswerKind",
    "CoreSubject",
    "Disturbance",
    "Layout",
    "ModestSubject",
    "Offer",
    "Place",
    "Request",
    "Row",
    "Subject",
    "SubjectFactory",
]
