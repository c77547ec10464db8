"""Explain: what answers follow from."""
