"""Explore: look at development rows, doubt the question, and freeze the metric."""
