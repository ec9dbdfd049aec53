"""A person's file: open, assess, join, facts, ledger."""
