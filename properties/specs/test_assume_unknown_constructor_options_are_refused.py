"""Users assume: a constructor option that does not exist is refused, not ignored.

From 3.0 any keyword is swallowed: a misspelt `start_vlaue` starts in the first state, and `rtc`
and `allow_event_without_transition`, which were options once, do nothing any more.
"""

from statemachine import State, StateMachine

LEANS_ON = "users of python-statemachine beside the core: options of the constructor"


def test_a_misspelt_option() -> None:
    """Neither accepted nor ignored."""

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

    told = "accepted"
    try:
        Door(start_vlaue="opened")  # type: ignore[call-arg]
    except TypeError:
        told = "refused"
    assert "refused" == told
