"""Refine: the only loop, and what it is told of its best candidate."""
