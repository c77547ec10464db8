"""What happens: one file per step. Each takes named values and returns a frozen result with its findings."""
