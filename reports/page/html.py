"""A document as one HTML page that stands alone."""

from pathlib import Path

import jinja2

from reports.documents import Document, charts
from reports.documents.model import Cell, Group
from reports.documents.words import printable

TEMPLATE = "page.html.j2"


def page(document: Document) -> str:
    """The whole page. Every text is escaped, and what cannot be shown is replaced."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.tests["group"] = lambda row: isinstance(row, Group)
    environment.tests["cell"] = lambda cell: isinstance(cell, Cell)
    return environment.get_template(TEMPLATE).render(document=document, charts=charts)
