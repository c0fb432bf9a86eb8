"""Tests of the judge: it must be able to see each thing that it claims is not there."""
