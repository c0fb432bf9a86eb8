"""A document as one HTML page that stands alone."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.documents import Document, charts
from reports.documents.model import Cell, Group, Section
from reports.documents.words import excerpt, printable

TEMPLATE = "page.html.j2"
MOST_BYTES = 300 * 1024
PASSAGES_KEPT = 40
SHORTENED = "Shortened to fit {} KiB: {}. The record holds all of it."


def page(document: Document) -> str:
    """The whole page; what is too long for one is shortened step by step, and says so.

    Every text is escaped, and what cannot be shown is replaced.
    """
    text = _rendered(document)
    for what, shorten in _STEPS:
        if len(text.encode()) <= MOST_BYTES:
            break
        note = SHORTENED.format(MOST_BYTES // 1024, what)
        sections = [shorten(each) for each in document.sections]
        text = _rendered(replace(document, sections=sections, notes=[*document.notes, note]))
    return text


def _brief(section: Section) -> Section:
    passages = [replace(each, text=excerpt(each.text)) for each in section.passages]
    return replace(section, passages=passages)


def _few(section: Section) -> Section:
    return replace(_brief(section), passages=_brief(section).passages[:PASSAGES_KEPT])


def _open(section: Section) -> Section:
    return replace(_few(section), tables=[each for each in section.tables if not each.is_folded])


_STEPS: tuple[tuple[str, Callable[[Section], Section]], ...] = (
    ("of long texts the beginning and the end", _brief),
    (f"{PASSAGES_KEPT} texts of each section, their beginning and end", _few),
    (f"{PASSAGES_KEPT} texts of each section, and no folded tables", _open),
)


def _rendered(document: Document) -> str:
    return _template().render(document=document, charts=charts)


def _breakable(text: Markup) -> Markup:
    """Let a long name break behind its underscores; ``text`` is escaped already."""
    return Markup("_<wbr>").join(text.split("_"))


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters["breakable"] = _breakable
    environment.tests["group"] = lambda row: isinstance(row, Group)
    environment.tests["cell"] = lambda cell: isinstance(cell, Cell)
    return environment.get_template(TEMPLATE)
