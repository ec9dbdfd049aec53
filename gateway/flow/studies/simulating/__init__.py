"""What would it cost (试算): a draft edition against settlements that really happened, beside the edition in force.

`drafts` reads the draft into two families of rules, `bills` weighs one person under both, `stored` walks the
people of the database and `lines` those of a file. The sums are `gateway.core.studies.simulation`'s.
"""

from gateway.flow.studies.simulating.bills import SimulationRequest, bill
from gateway.flow.studies.simulating.drafts import DraftRules, load_rules
from gateway.flow.studies.simulating.lines import parts_of, simulate_lines
from gateway.flow.studies.simulating.stored import PeopleShare, shares_of, simulate_stored, take_up_today

__all__ = [
    "DraftRules",
    "PeopleShare",
    "SimulationRequest",
    "bill",
    "load_rules",
    "parts_of",
    "shares_of",
    "simulate_lines",
    "simulate_stored",
    "take_up_today",
]
