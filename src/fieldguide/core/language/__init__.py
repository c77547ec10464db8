"""The one safe expression language, and the rules written in it."""
