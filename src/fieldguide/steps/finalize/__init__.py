"""Finalize: refit, the one look at the sealed rows, and what it says output by output."""
