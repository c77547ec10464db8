"""Schedules: how the learning rate runs over a training."""
