"""The site itself: which database and key folder belong together, and whether its clock may be believed."""
