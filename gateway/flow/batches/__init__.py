"""A stored page's rows → changes: apply, replay, take back, reconcile."""
