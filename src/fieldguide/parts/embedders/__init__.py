"""Ways to learn a vector for every word of a corpus, or for every item of sessions. A file per way."""
