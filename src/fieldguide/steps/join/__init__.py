"""Join: event tables, or a log, to one tidy row per unit."""
