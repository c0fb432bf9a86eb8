"""Users assume: a class with a state that is never left again needs no flag to say so.

Allowed up to 2.6, with a warning from 2.5 on; refused from 3.0 on. The core switches the check off.
"""

import warnings

from statemachine import State, StateMachine

LEANS_ON = "users of python-statemachine beside the core: states that nothing leaves"


def test_it_is_defined() -> None:
    """One state that nothing leaves, and that is not final."""
    told = "defined"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:

            class Door(StateMachine):
                closed = State(initial=True, value="closed")
                stuck = State(value="stuck")
                opened = State(final=True, value="opened")
                open_it = closed.to(opened)
                jam = closed.to(stuck)

        except Exception as error:
            told = f"{type(error).__name__}: {error}"
    assert "defined" == told
