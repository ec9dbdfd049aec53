"""What belongs together: stays, months, periods, events."""
