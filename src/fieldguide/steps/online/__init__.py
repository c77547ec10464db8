"""Online: the model in use. Its log, its outcomes, experiments with it, and what becomes of its promise."""
