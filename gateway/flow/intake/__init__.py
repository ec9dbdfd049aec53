"""The night: pull, sweep, receive, look up, retry, let go."""
