"""Scenarios to explore: fsmcore's own store and manager, and bare aiosqlite beside them.

``shelf`` lists them all; ``laws`` says what must hold after each.
"""

from properties.simulation.scenarios.shelf import SCENARIOS, scenario

__all__ = ["SCENARIOS", "scenario"]
