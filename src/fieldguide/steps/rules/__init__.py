"""Rules: decisions that follow from predicted signals, bound to a study and judged."""
