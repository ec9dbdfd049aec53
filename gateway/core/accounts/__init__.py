"""Accounts: what each role may do, what a password must be, who is the second of two persons."""
