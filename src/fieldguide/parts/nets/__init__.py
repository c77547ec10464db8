"""Networks as torch modules with stated shapes: no training, no data. Learners build on them."""
