"""The steps from images to evidence: one module a step, and one runner that skips what is current."""
