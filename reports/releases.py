"""Which releases lie between two, as the resolver sees them.

The index is asked by uv, one release at a time from the newest down, so that whatever holds for an
installation holds here: an index of one's own, a folder of wheels, what is yanked, what needs
another Python. A release that could not be installed here is not between.
"""

from packaging.version import InvalidVersion, Version

from reports.environments import Builder
from reports.session import UsageError


def version(text: str) -> Version:
    """Read a version. Raises `UsageError`."""
    try:
        return Version(text)
    except InvalidVersion as error:
        raise UsageError(f"{text!r} is no version. Write it as in 0.22.1.") from error


def between(
    builder: Builder, name: str, first: Version, last: Version, *, prereleases: bool
) -> list[Version]:
    """Return both ends and all that lies between them, the oldest first. Raises `UsageError`."""
    if first >= last:
        raise UsageError(f"{first} does not come before {last}. Name the older release first.")
    found: list[Version] = []
    # An end that is a pre-release lets pre-releases in, as it would for an installation.
    allows = prereleases or first.is_prerelease or last.is_prerelease
    below = f"<={last}"
    while (newest := builder.newest(f"{name}>={first},{below}", prereleases=allows)) is not None:
        found.append(Version(newest))
        below = f"<={newest},!={newest}"  # "<1.1" would exclude 1.1rc1, which comes before
    found.reverse()
    for end in (first, last):
        if end not in found:
            known = f"Between them are: {', '.join(map(str, found))}." if found else ""
            raise UsageError(f"no release {name} {end} can be installed here. {known}".rstrip())
    return found
