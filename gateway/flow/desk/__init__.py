"""The clerks' desk of an association without a claims system of its own: levels, decisions, payment, recovery."""
