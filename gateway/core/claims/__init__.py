"""Estimate → pre-filled claim: its form, its words, delivery states, deadlines."""
