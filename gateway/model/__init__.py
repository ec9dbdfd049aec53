"""The nouns (design §4): frozen values, no I/O."""
