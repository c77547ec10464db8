"""What a column's values mean, and how one sees that they mean something else than before."""
