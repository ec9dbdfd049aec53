"""What a person must decide: list, show, decide, undo."""
