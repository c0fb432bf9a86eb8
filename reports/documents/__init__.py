"""Records as documents, and the documents as Markdown and JUnit: standard library and msgspec."""

from reports.documents.model import Document
from reports.documents.opened import opened, told

__all__ = ["Document", "opened", "told"]
