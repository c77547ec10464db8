"""fieldguide: from a data file and a question to a deep model you can defend."""
