"""Rows → who and what: identify, candidates, rulings."""
