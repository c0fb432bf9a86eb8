"""Users assume: a machine's class may have a docstring, with nothing else installed.

3.1.0 and 3.1.1 look for a diagram in it and need pydot for that. The core's class is made by a
call and has none.
"""

from statemachine import State, StateMachine

from properties.rules.turns import run_in_turns

LEANS_ON = "users of python-statemachine beside the core: documented machines"


async def _define() -> str:
    try:

        class Door(StateMachine):
            """A door."""

            closed = State(initial=True, value="closed")
            opened = State(final=True, value="opened")
            open_it = closed.to(opened)

        return str(Door.__doc__)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def test_it_is_defined() -> None:
    """One sentence of it."""
    assert "A door." == run_in_turns(_define)
