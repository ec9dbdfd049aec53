"""What would it cost, what was paid, tests of mappings and schemes."""
