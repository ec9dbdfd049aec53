"""A fixed amount for each unit (定额补助), by grade, category or place."""

from __future__ import annotations

from gateway.core.schemes.amounts import texts
from gateway.core.schemes.amounts.unit_price import UnitPrice
from gateway.core.schemes.language.conditions import holds
from gateway.core.schemes.language.rules import FlatBenefit
from gateway.core.schemes.units.situations import Situation
from gateway.model.benefit import BenefitLine


def price_flat(price: UnitPrice, flat: FlatBenefit, situation: Situation) -> None:
    """Add the first amount whose conditions hold; none where none does."""
    for row in flat.amounts:
        if holds(row.conditions, situation):
            text = texts.flat_text(flat.title, row.amount) if situation.case.explained else ""
            line = BenefitLine(
                rule="flat_amount", article=flat.article, amount=row.amount, text=text, benefit=flat.name
            )
            price.pay(line, flat.name)
            price.assumed += flat.leans_on
            return
