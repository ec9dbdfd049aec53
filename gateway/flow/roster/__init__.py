"""Members and their periods: enrol, one person under several numbers."""
