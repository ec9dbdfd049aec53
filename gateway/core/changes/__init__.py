"""A batch of rows, or people to reassess, and what is known of them → what changes. Pure: values in, values out.

`conclude` is the whole second half of a batch's transaction but for reading and writing. Its rules stand in an order
that matters, each in a file of its own: supersede → take_back → reversals → attach → duplicates → claims.
"""

from gateway.core.changes.conclude import conclude
from gateway.core.changes.persons import HeldRecord, PersonFile
from gateway.core.changes.questions import AskedBefore
from gateway.core.changes.values import Batch, Changes, Known, PagePlace, ReadRow, Rules

__all__ = [
    "AskedBefore",
    "Batch",
    "Changes",
    "HeldRecord",
    "Known",
    "PagePlace",
    "PersonFile",
    "ReadRow",
    "Rules",
    "conclude",
]
