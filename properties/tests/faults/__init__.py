"""Tests of the faults: each fires, and each is felt."""
