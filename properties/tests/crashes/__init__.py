"""Tests of the crashes: what is damaged, what is judged, and that a bug is seen."""
