"""Schemes (互助计划): a member's settlements in, what each stay is owed out, line by line with its article.

Start at `assessing.assess`. `edition` holds the rules of one edition as values, `reversals` says which
settlements stand, `stays` which are one stay, `periods` which days are covered, `weighing` what a stay is
worth, `cases` answers JSON.
"""

from gateway.core.schemes.assessing import PERSON_FLAGS, assess, could_pay, needs_person
from gateway.core.schemes.edition import Edition, SchemeFamily
from gateway.core.schemes.periods import Insured
from gateway.core.schemes.stays import Kind

__all__ = [
    "PERSON_FLAGS",
    "Edition",
    "Insured",
    "Kind",
    "SchemeFamily",
    "assess",
    "could_pay",
    "needs_person",
]
