"""Schemes (互助计划): a member's settlements in, what each stay is owed out, line by line with its article.

Start at `assessing.assess`. Three rooms, each of which knows only those behind it:

* `language`: what a scheme file can say. `edition`, `rules` and `conditions`; `bands` and `disease_groups`; `plans`
  is what is left of an edition for a kind of care.
* `units`: what belongs together. `reversals` says which settlements stand, `grouping` which are one `care_units`
  (`single`: the one stay that most members have), `events` what a diagnosis or a fact tells, `periods` which days are
  covered; all of it meets in a `situations.Situation`.
* `amounts`: what it is worth. `pricing` asks `shares` with `bases`, `daily`, `flats` and `lump_sums`, then `caps`; it
  makes a `unit_price`.

On top `assessing` puts a member's units in order, `claim_windows` and `doubts` add what does not change an amount,
`ledger` tells what has been used, `coordination` what other schemes pay, `cases` answers JSON.
"""

from gateway.core.schemes.assessing import PERSON_FLAGS, assess, could_pay, could_pay_any, needs_person
from gateway.core.schemes.coordination import in_order_of_payment, payments_by, payments_stood_on
from gateway.core.schemes.language.edition import Edition, SchemeFamily
from gateway.core.schemes.ledger import Ledger, ledger
from gateway.core.schemes.units.care_units import CareKind
from gateway.core.schemes.units.emergencies import EMERGENCY_CARE, EMERGENCY_PART
from gateway.core.schemes.units.periods import Insured
from gateway.core.schemes.units.reversals import UNCLEAR as REFUND_UNCLEAR
from gateway.core.schemes.units.reversals import reversed_among
from gateway.core.schemes.units.situations import OtherPayment

__all__ = [
    "EMERGENCY_CARE",
    "EMERGENCY_PART",
    "PERSON_FLAGS",
    "REFUND_UNCLEAR",
    "CareKind",
    "Edition",
    "Insured",
    "Ledger",
    "OtherPayment",
    "SchemeFamily",
    "assess",
    "could_pay",
    "could_pay_any",
    "in_order_of_payment",
    "ledger",
    "needs_person",
    "payments_by",
    "payments_stood_on",
    "reversed_among",
]
