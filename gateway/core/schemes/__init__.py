"""Schemes (互助计划): a member's settlements in, what each stay is owed out, line by line with its article.

Start at `assessing.assess`. What a scheme file can say is in `edition`, `rules` and `conditions`, what of it is left
for a kind of care in `plans`. `reversals` says which settlements stand, `stays` which are one unit (`single`: the one
stay that most members have), `events` what a diagnosis or a fact tells, `periods` which days are covered, `weighing`
what a unit is worth: `bases` and `shares` with `bands`, `daily`, `flats`, `lump_sums`, then `caps`. `ledger` tells
what has been used, `stacking` what other schemes pay, `cases` answers JSON.
"""

from gateway.core.schemes.assessing import PERSON_FLAGS, assess, could_pay, could_pay_any, needs_person
from gateway.core.schemes.coordination import in_order_of_payment, payments_by, payments_stood_on
from gateway.core.schemes.language.edition import Edition, SchemeFamily
from gateway.core.schemes.ledger import Ledger, ledger
from gateway.core.schemes.units.care_units import CareKind
from gateway.core.schemes.units.periods import Insured
from gateway.core.schemes.units.situations import OtherPayment

__all__ = [
    "PERSON_FLAGS",
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
]
