"""The HTTP side: /api/v1 for machines. `app` puts it together, `server` runs it, `problems` says every no."""
