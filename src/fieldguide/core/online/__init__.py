"""What is kept of a model in use: requests, answers, outcomes, assignments, phases of an experiment."""
