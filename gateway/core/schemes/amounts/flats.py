"""A fixed amount for each unit (定额补助), by grade, category or place."""

from __future__ import annotations

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.weighed import Weighed
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import Flat
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine


def weigh_flat(weighed: Weighed, flat: Flat, situation: Situation) -> None:
    """Add the first amount whose conditions hold; none where none does."""
    for row in flat.amounts:
        if holds(row.conditions, situation):
            text = texts.flat_text(flat.title, row.amount) if situation.case.explained else ""
            line = BenefitLine(
                rule="flat_amount", article=flat.article, amount=row.amount, text=text, benefit=flat.name
            )
            weighed.pay(line, flat.name)
            weighed.assumed += flat.leans_on
            return
