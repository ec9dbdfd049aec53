"""A year in an office: the people, what the leagues tell of them day by day, and what each member is owed."""
