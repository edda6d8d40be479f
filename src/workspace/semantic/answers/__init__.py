"""Questions asked in a notebook, and their answers."""
