"""How many cells of a sweep are measured: a few by default, all of them on request."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from _pytest.mark import ParameterSet

SIZES = ("short", "full")


def sized(short: Sequence[int], *, full: Sequence[int]) -> list[int | ParameterSet]:
    """Return the parameters of the full size; those that the short one lacks are marked so."""
    return [each if each in short else pytest.param(each, marks=pytest.mark.full) for each in full]
