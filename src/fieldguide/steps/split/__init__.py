"""Split: the seal, the folds, and the proof that they are disjoint."""
