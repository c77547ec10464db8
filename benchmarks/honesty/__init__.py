"""The honesty benchmark: planted faults with fresh rows from the world after deployment. `python -m benchmarks.honesty`."""
