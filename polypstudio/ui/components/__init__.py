"""Custom components of the dashboard, and the pure views that feed them."""
