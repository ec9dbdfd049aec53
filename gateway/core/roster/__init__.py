"""A roster (会员名册): an association's own file of members and coverage periods, read and compared.

Reading is pure: bytes in, people and findings out. A finding names row, column and what is allowed, never
the value, because every value here belongs to a person.
"""

from gateway.core.roster.difference import MemberChange, RosterChange, as_roster, difference
from gateway.core.roster.people import RosterFile, RosterFinding, RosterMember, Statement
from gateway.core.roster.persons import Group, near_name, one_holder, persons_of, same_name, who_stays
from gateway.core.roster.reading import read_roster

__all__ = [
    "Group",
    "MemberChange",
    "RosterChange",
    "RosterFile",
    "RosterFinding",
    "RosterMember",
    "Statement",
    "as_roster",
    "difference",
    "near_name",
    "one_holder",
    "persons_of",
    "read_roster",
    "same_name",
    "who_stays",
]
