"""Optimisers: how a gradient moves the weights."""
