"""A document as JUnit XML, as test servers read it: one case for each thing that was judged.

Choices: *unknown* is an ``error`` with its reason, never a pass; ``skipped`` are only laws that
were not asked; a ``failure`` holds its timeline. The verdict itself is the first case, so a file
whose session did not pass is never green, even where no single thing is to blame.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from reports.documents.model import Case, CaseOutcome, Document
from reports.documents.words import printable
from reports.schema import Verdict

VERDICTS = {Verdict.PASS: CaseOutcome.PASSED, Verdict.FAIL: CaseOutcome.FAILED}
ELEMENTS = {
    CaseOutcome.FAILED: "failure",
    CaseOutcome.ERROR: "error",
    CaseOutcome.SKIPPED: "skipped",
}


def junit(document: Document) -> str:
    """The whole document as one suite; characters that XML does not know are replaced."""
    cases = [_verdict(document), *document.cases]
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", _totals(cases) | {"name": _safe(document.name)})
    for each in cases:
        _add(suite, each)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _verdict(document: Document) -> Case:
    told = [f"{each.verdict.value}: {each.text}" for each in document.reasons]
    return Case(
        group=document.name,
        name="verdict",
        outcome=VERDICTS.get(document.verdict, CaseOutcome.ERROR),
        message=f"{document.verdict.value}: {document.answer}",
        text="\n".join([document.summary, *told, *document.notes]),
    )


def _totals(cases: Iterable[Case]) -> dict[str, str]:
    found = list(cases)
    counts = {each: str(sum(case.outcome is each for case in found)) for each in CaseOutcome}
    return {
        "tests": str(len(found)),
        "failures": counts[CaseOutcome.FAILED],
        "errors": counts[CaseOutcome.ERROR],
        "skipped": counts[CaseOutcome.SKIPPED],
        "time": f"{sum(case.elapsed_s for case in found):.3f}",
    }


def _add(suite: ET.Element, case: Case) -> None:
    made = ET.SubElement(
        suite,
        "testcase",
        classname=_safe(case.group),
        name=_safe(case.name),
        time=f"{case.elapsed_s:.3f}",
    )
    if case.outcome in ELEMENTS:
        told = ET.SubElement(made, ELEMENTS[case.outcome], message=_safe(case.message))
    else:
        told = ET.SubElement(made, "system-out")
    told.text = _safe(case.text or case.message)


def _safe(text: str) -> str:
    return printable(text)
