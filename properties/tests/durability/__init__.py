"""Tests of the run with real processes."""
