"""Words and items as vectors: the counts they are learned from, the folder they are kept in, what is near what."""
