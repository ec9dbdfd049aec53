"""Findings: what is not as it should be, said once, until it is mended or a person has seen it (design §2)."""
