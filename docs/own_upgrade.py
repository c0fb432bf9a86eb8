"""The invoices of own_subject, leaning on what python-statemachine 3 took away."""

from own_subject import Invoice, Invoices, Row


class RefusedError(Exception):
    """What the callers of this service catch."""


class Reported(Invoices):
    refusals = (RefusedError,)

    async def moves(self, number: str, event: str) -> tuple[Row, Row] | None:
        try:
            return await super().moves(number, event)
        except Invoice.TransitionNotAllowed as error:
            raise RefusedError(f"no {event} from {error.state.name}") from error
