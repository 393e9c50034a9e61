"""Real images on disk and procedural ones: one module a dataset layout, and what is done to their files."""
