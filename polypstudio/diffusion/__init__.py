"""Fine-tuning Stable Diffusion in two stages, and drawing images from every checkpoint."""
