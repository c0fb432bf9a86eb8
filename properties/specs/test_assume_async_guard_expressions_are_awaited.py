"""Users assume: a guard expression over async guards is what its words say.

Expressions are known from 2.4 on; until 2.6.0 the coroutines in them were not awaited and counted
as true, so `not blocked` never let anybody pass and `ready and allowed` let everybody.
"""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from statemachine import State, StateMachine
from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: cond='not blocked', cond='a and b'"

EXPRESSIONS: dict[str, Callable[[bool, bool], bool]] = {
    "not a": lambda a, b: not a,
    "a and b": lambda a, b: a and b,
    "a or b": lambda a, b: a or b,
    "a and not b": lambda a, b: a and not b,
}


async def _told(expression: str, answers: tuple[bool, bool]) -> str:
    try:

        class Door(StateMachine):
            closed = State(initial=True, value="closed")
            opened = State(final=True, value="opened")
            open_it = closed.to(opened, cond=expression)

            async def a(self) -> bool:
                return answers[0]

            async def b(self) -> bool:
                return answers[1]

            async def on_enter_state(self) -> None:
                pass  # so that the machine is an async one, whatever is found in expressions

        machine: Any = await activated(Door())
    except InvalidDefinition as error:
        return f"cannot be defined: {error}"
    try:
        await settled(machine.send("open_it"))
    except TransitionNotAllowed:
        return "refused"
    return "taken"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_words_are_meant(expression: str) -> None:
    """For each pair of answers."""
    for answers in ((True, True), (True, False), (False, True), (False, False)):
        expected = "taken" if EXPRESSIONS[expression](*answers) else "refused"
        told = run_in_turns(functools.partial(_told, expression, answers))
        assert expected == told, f"{expression} of {answers}"
