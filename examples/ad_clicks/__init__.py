"""A world of ads and clicks with a known truth, in which experiments are run and their figures held against it."""
