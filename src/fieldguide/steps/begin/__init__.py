"""Begin: a study folder from a first look at the data."""
