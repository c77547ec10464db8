"""Detect: what columns hold and what is asked, from raw cells; what `init` and `frame` guess."""
