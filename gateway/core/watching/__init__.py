"""Watching: what a feed's days, files and keys say → what is not as it should be. Pure; one small function a source."""
