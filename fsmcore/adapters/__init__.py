"""The machines: python-statemachine behind our protocol, and the same without a library."""

from fsmcore.adapters.handrolled import HandRolledAdapter
from fsmcore.adapters.statemachine import StateMachineAdapter

__all__ = ["HandRolledAdapter", "StateMachineAdapter"]
