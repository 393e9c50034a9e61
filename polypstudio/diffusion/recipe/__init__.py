"""The recipe of the tiny Stable Diffusion that ships: pictures made by procedure, a codec, a text encoder, a base U-Net."""
