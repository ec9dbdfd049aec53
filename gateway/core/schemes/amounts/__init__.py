"""What a unit is worth, line by line."""
