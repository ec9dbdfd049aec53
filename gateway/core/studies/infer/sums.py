"""Which columns of amounts add up to which: the total and its parts by I1–I4 (定点医药机构接口规范).

A role that follows from the sums alone is believed more than one that follows from the order of the columns, which is
never believed above a half: an amount taken for another is the worst a mapping can be wrong in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from gateway.core.studies.infer.names import Belief

Amounts = Mapping[int, Sequence[int]]
"""Place of a column → fen row by row, 0 where there is none."""

ORDER: Final = (
    "total_amount", "full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount",
    "deductible_amount", "pooled_fund_amount", "civil_servant_amount", "enterprise_amount", "critical_illness_amount",
    "large_amount_fund_amount", "medical_aid_amount", "other_fund_amount", "fund_paid_amount", "personal_amount",
    "account_amount", "cash_amount", "hospital_borne_amount",
)  # fmt: skip
"""The amounts in the order of the national interface (5203)."""

PARTS: Final = {
    "i1": ("full_self_amount", "over_limit_amount", "first_self_amount", "in_scope_amount"),
    "i2": ("fund_paid_amount", "personal_amount", "hospital_borne_amount"),
    "i3": ("account_amount", "cash_amount"),
    "i4": (
        "pooled_fund_amount", "civil_servant_amount", "enterprise_amount", "critical_illness_amount",
        "large_amount_fund_amount", "medical_aid_amount", "other_fund_amount",
    ),
}  # fmt: skip
WHOLE: Final = {"i1": "total_amount", "i2": "total_amount", "i3": "personal_amount", "i4": "fund_paid_amount"}
_USUAL_FUNDS: Final = {
    True: ("civil_servant_amount", "large_amount_fund_amount", "medical_aid_amount", "enterprise_amount"),
    False: ("critical_illness_amount", "medical_aid_amount", "other_fund_amount"),
}
"""Whether the insured are employees → the funds beside the pooled one, the most usual first."""
_BY_ORDER: Final = 0.5
_MOST_PARTS: Final = 5


def by_sums(amounts: Amounts, *, employees: bool) -> dict[str, tuple[int, Belief]]:
    """Field → column and belief, for columns whose names say nothing. Empty where nothing adds up. `employees`: whether
    the insured are employees (职工), which says what funds there usually are."""
    live = {place: values for place, values in amounts.items() if any(values)}
    roles: dict[str, tuple[int, Belief]] = {}
    for total in likely_totals(live):
        # What is larger than the bill on some row is no part of it: a balance, a limit.
        within = {place: values for place, values in live.items() if _is_within(values, live[total])}
        rest = {place: values for place, values in within.items() if place != total}
        scope = scope_of(within, total, rest)
        # Three columns that add up may also be fund, personal and hospital: then there is no scope.
        divided = _divided(within, total, rest, scope) or _divided(within, total, rest, None)
        if divided is not None:
            break
    else:
        return {}
    live, (fund, personal, hospital, sure) = within, divided
    roles["total_amount"] = (total, (0.9 if sure > _BY_ORDER else _BY_ORDER, "每行最大，且等于另外几列之和（I1、I2）"))
    roles["fund_paid_amount"] = (fund, (sure, "与个人负担相加等于总额（I2）"))
    roles["personal_amount"] = (personal, (sure, "与基金支付相加等于总额（I2）"))
    if hospital is not None:
        roles["hospital_borne_amount"] = (hospital, (_BY_ORDER, "补足总额（I2）"))
    taken = {place for place, _ in roles.values()}
    for name in ("i1", "i3", "i4"):
        whole = roles[WHOLE[name]][0]
        free = {place: values for place, values in live.items() if place not in taken}
        parts = _parts(live[whole], free, whole, most=len(PARTS[name]))
        roles.update(roles_of_parts(name, parts, live, employees=employees))
        taken |= set(parts)
    fill_between(roles, {place: values for place, values in amounts.items() if place in live or not any(values)})
    return roles


def likely_totals(live: Amounts) -> list[int]:
    """What may be the total, the likeliest first: the column that holds most others on every row."""
    holding = {place: sum(_is_within(column, values) for column in live.values()) for place, values in live.items()}
    return sorted(
        (place for place in live if holding[place] * 2 > len(live)), key=lambda place: (-holding[place], place)
    )[:3]


def _is_within(values: Sequence[int], total: Sequence[int]) -> bool:
    """Whether a column is no larger than another on every row, and turns its sign with it."""
    return all(abs(value) <= abs(whole) + 1 and value * whole >= 0 for value, whole in zip(values, total, strict=True))


def _adds_up(whole: Sequence[int], parts: Sequence[Sequence[int]]) -> bool:
    return all(abs(value - sum(part[row] for part in parts)) <= 1 for row, value in enumerate(whole))


def scope_of(live: Amounts, total: int, rest: Amounts) -> int | None:
    """The largest of the parts of I1: what is within the policy."""
    for many in (4, 3):
        # Parts of I1 stand together in every layout that is ranked.
        places = sorted(rest)
        for start in range(len(places) - many + 1):
            group = places[start : start + many]
            if _adds_up(live[total], [live[place] for place in group]):
                return max(group, key=lambda place: sum(map(abs, live[place])))
    return None


def _divided(live: Amounts, total: int, rest: Amounts, scope: int | None) -> tuple[int, int, int | None, float] | None:
    """Fund, personal and hospital: what divides the total between payers, and both have parts of their own."""
    best: tuple[float, tuple[int, int, int | None, float]] | None = None
    for group in (*combinations(sorted(rest), 2), *combinations(sorted(rest), 3)):
        if scope in group or not _adds_up(live[total], [live[place] for place in group]):
            continue
        for fund, personal, hospital in ways_to_pay(group):
            free = {place: values for place, values in rest.items() if place not in group and place != scope}
            own = _parts(live[personal], free, personal, most=2)
            further = {place: values for place, values in free.items() if place not in own}
            funds = _parts(live[fund], further, fund, most=7)
            fits = pays_within(live, total, fund, personal, scope)
            worth = 2 * bool(own) + 2 * bool(funds) + 2 * fits + (len(funds) > 2) + (fund < personal) - 2 * len(group)
            sure = 0.8 if own and len(funds) > 2 and fits else 0.7 if own and funds and fits and scope else _BY_ORDER
            if best is None or worth > best[0]:
                best = (worth, (fund, personal, hospital, sure))
    return best[1] if best else None


def ways_to_pay(group: tuple[int, ...]) -> Iterator[tuple[int, int, int | None]]:
    """Who of a group may be fund, person and hospital."""
    if len(group) == 2:
        yield group[0], group[1], None
        yield group[1], group[0], None
    else:
        yield group[0], group[1], group[2]


def pays_within(live: Amounts, total: int, fund: int, personal: int, scope: int | None) -> bool:
    """Whether the fund pays within the policy alone, so that who is insured pays all that is outside of it."""
    if scope is None:
        return False
    rows = range(len(live[total]))
    return all(abs(live[fund][r]) <= abs(live[scope][r]) + 1 for r in rows) and not all(
        abs(live[personal][r]) <= abs(live[scope][r]) + 1 for r in rows
    )


def _parts(whole: Sequence[int], free: Amounts, place: int, *, most: int) -> list[int]:
    """The columns that add up to another, nearest to it first; none where no few do."""
    near = sorted((p for p, v in free.items() if all(abs(a) <= abs(b) + 1 for a, b in zip(v, whole, strict=True))),
                  key=lambda column: abs(column - place))[:14]  # fmt: skip
    for many in range(1, min(most, _MOST_PARTS, len(near)) + 1):
        fitting = [g for g in combinations(near, many) if _adds_up(whole, [free[column] for column in g])]
        if fitting:
            return sorted(min(fitting, key=lambda group: max(group) - min(group)))
    return []


def roles_of_parts(name: str, parts: Sequence[int], live: Amounts, *, employees: bool) -> dict[str, tuple[int, Belief]]:
    """Parts as fields: the one that stands out by its size, the others by their order."""
    fields, roles = PARTS[name], {}
    largest = max(parts, key=lambda place: sum(map(abs, live[place])), default=None)
    # What is within the policy is the bulk of a bill, and the pooled fund the bulk of what funds pay.
    leading = {"i1": "in_scope_amount", "i4": "pooled_fund_amount", "i3": "cash_amount"}[name]
    if largest is not None:
        whole = sum(sum(map(abs, live[place])) for place in parts)
        part = sum(map(abs, live[largest])) / whole
        sure = (0.75 if part > 0.6 else _BY_ORDER) if name != "i3" else _BY_ORDER
        roles[leading] = (largest, (sure, f"占其和的{round(100 * part)}%（{name.upper()}）"))
    others = [field for field in fields if field != leading]
    rest = [place for place in sorted(parts) if place != largest]
    sure, why = _BY_ORDER, f"是{name.upper()}的一部分，按国家接口的次序"
    if name == "i4" and len(rest) < len(others):
        usual = _USUAL_FUNDS[employees][: len(rest)]
        others, sure = [field for field in others if field in usual], 0.4
        why = f"是{name.upper()}的一部分，按险种常见的基金和次序"
    if len(rest) == len(others):
        roles.update({field: (place, (sure, why)) for field, place in zip(others, rest, strict=True)})
    return roles


def fill_between(roles: dict[str, tuple[int, Belief]], amounts: Amounts) -> None:
    """Between two columns whose roles are ranked, as many others as the national order has there are those."""
    if len(amounts) < 2:
        return
    ranked = sorted((place, ORDER.index(field)) for field, (place, _) in roles.items() if field in ORDER)
    rising: list[tuple[int, int]] = []
    for place, rank in ranked:
        if not rising or rank > rising[-1][1]:
            rising.append((place, rank))
    taken = {place for place, _ in roles.values()}
    for (left, low), (right, high) in zip(rising, [*rising[1:], (max(amounts) + 1, len(ORDER))], strict=True):
        between = [place for place in sorted(amounts) if left < place < right]
        missing = list(ORDER[low + 1 : high])
        if len(between) == len(missing) or right > max(amounts):
            for place, field in zip(between, missing, strict=False):
                if field not in roles and place not in taken:
                    roles[field] = (place, (0.45, "按国家接口的次序在已知的两列之间"))
