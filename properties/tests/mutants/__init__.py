"""Tests of the mutants and of what runs them."""
