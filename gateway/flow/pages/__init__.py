"""Stored pages and their sealed row lists: opened and written here and nowhere else."""
