"""Claims on their way to the association: deliver, answers, deadlines, health."""
