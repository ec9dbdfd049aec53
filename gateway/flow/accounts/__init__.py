"""Accounts of people: log-in, sessions, their keeping, acts of two persons, and the audit log."""
