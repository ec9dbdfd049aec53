"""/api/v1: what machines say to the gateway."""
