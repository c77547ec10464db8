"""What numbers of samples say, and how sure they are: pure functions of arrays, which know no table and no study."""
