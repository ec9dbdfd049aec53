"""How names and numbers are written, and miswritten."""
