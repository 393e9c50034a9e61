"""A study on disk: the only place that makes paths, and writes nothing that could be half-read."""
