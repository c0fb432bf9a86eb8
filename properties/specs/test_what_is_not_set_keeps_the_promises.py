"""What is not set keeps the promises: whoever gives no option gets durability, and patience.

A store of nothing but its path tells of success when the disk has it, and sits out a lock that it
meets. Everywhere else a subject is made with options of the judge's, so a default that promises
less, or gives up at once, would be met by users alone.
"""

from properties.specs.test_a_lock_of_any_code_is_sat_out import sits_it_out
from properties.specs.test_success_is_told_when_the_disk_has_it import succeeds_with_the_disk
from properties.subjects import Offer, Subject, SubjectFactory

NEEDS = frozenset({Offer.DEFAULTS, Offer.WAL})


def _plain(make_subject: SubjectFactory) -> Subject:
    subject = make_subject()
    assert hasattr(subject, "is_plain"), f"{subject.name} offers defaults and has no is_plain"
    subject.is_plain = True
    return subject


def test_success_is_told_when_the_disk_has_it(make_subject: SubjectFactory) -> None:
    """Nothing is synced later than it is told."""
    succeeds_with_the_disk(_plain(make_subject))


def test_a_lock_is_sat_out(make_subject: SubjectFactory) -> None:
    """Each lock that an attempt takes is refused once."""
    sits_it_out(_plain(make_subject), "BUSY")
