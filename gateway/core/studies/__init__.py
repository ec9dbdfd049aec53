"""What-if sums and reports."""
