"""The augmentation test: a classifier trained on real images against one trained on real and synthetic images."""
