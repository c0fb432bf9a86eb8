"""What is judged, behind one small protocol."""

from properties.subjects.core import CORE_SUBJECTS, CoreSubject
from properties.subjects.lifecycle import FILES, Lifecycle
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
    "FILES",
    "TRIES",
    "V9",
    "Answer",
    "AnswerKind",
    "CoreSubject",
    "Disturbance",
    "Layout",
    "Lifecycle",
    "ModestSubject",
    "Offer",
    "Place",
    "Request",
    "Row",
    "Subject",
    "SubjectFactory",
]
