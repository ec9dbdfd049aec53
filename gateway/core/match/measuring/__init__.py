"""How well matching does: trials, evaluation, training."""
