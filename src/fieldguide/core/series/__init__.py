"""Series on regular steps: from rows with times to windows, and from answers back to rows with times."""
