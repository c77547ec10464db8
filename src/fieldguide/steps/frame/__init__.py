"""Frame: the question as an artifact, the table it is asked of, and the contract of both."""
