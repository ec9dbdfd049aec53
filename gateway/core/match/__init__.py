"""record + candidates → decision, with reasons."""

from gateway.core.match.certain import match, plain_name

__all__ = ["match", "plain_name"]
