"""How subjects are driven: Hypothesis draws, the rules act and record, the court judges."""

from properties.rules.contention import ContentionRules
from properties.rules.court import Court, Evidence, Judge, LawBrokenError
from properties.rules.exploration import Exploration, explore

__all__ = [
    "ContentionRules",
    "Court",
    "Evidence",
    "Exploration",
    "Judge",
    "LawBrokenError",
    "explore",
]
