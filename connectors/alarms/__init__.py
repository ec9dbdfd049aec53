"""Ways in which an alarm reaches people: the only door to apprise."""
