"""The numbers of the recipe, all in one place; they are written into the folder they made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class OptimizerSettings:
    """One training: AdamW, a linear warm-up into a cosine, an average of the weights with a ramped-up decay."""

    steps: int
    batch: int
    learning_rate: float
    warm_up: int = 100
    weight_decay: float = 1e-2
    ema_decay: float = 0.995
    clip_norm: float = 1.0

    def with_steps(self, steps: float) -> OptimizerSettings:
        """The same for another number of steps, at least one."""
        return replace(self, steps=max(1, round(steps)))


@dataclass(frozen=True)
class CodecWeights:
    """Weights of the codec's loss terms beside the L1 of the pixels, whose weight is 1."""

    mse: float = 0.5
    features: float = 1.0
    statistics: float = 1.0
    chroma: float = 0.0
    kl: float = 1e-6


@dataclass(frozen=True)
class CodecPhase:
    """A part of the codec's training with weights and a learning rate of its own."""

    name: str
    optimizer: OptimizerSettings
    weights: CodecWeights


@dataclass(frozen=True)
class CodecSettings:
    """The AutoencoderKL, the pictures it is trained on, and its phases: structure first, then colour."""

    channels: tuple[int, ...] = (16, 32, 64, 96)
    latent_channels: int = 8
    leaves: int = 4000
    phantoms: int = 1200
    phases: tuple[CodecPhase, ...] = (
        CodecPhase("structure", OptimizerSettings(steps=2800, batch=8, learning_rate=1.5e-3), CodecWeights()),
        CodecPhase(
            "colour",
            OptimizerSettings(steps=350, batch=8, learning_rate=7e-4, warm_up=20, ema_decay=0.98),
            CodecWeights(features=0.5, chroma=4.0),
        ),
    )


@dataclass(frozen=True)
class TextSettings:
    """The random CLIP text encoder. Its embeddings are drawn wide, or all prompts would look alike to the U-Net."""

    width: int = 64
    layers: int = 2
    heads: int = 4
    length: int = 24
    embedding_deviation: float = 0.5


@dataclass(frozen=True)
class PriorSettings:
    """The base U-Net and the captioned pictures it is trained on."""

    optimizer: OptimizerSettings = OptimizerSettings(steps=4000, batch=16, learning_rate=1e-3)
    channels: tuple[int, ...] = (40, 64, 64)
    heads: int = 4
    phantoms: int = 3200
    leaves: int = 400
    blurred_share: float = 0.3
    caption_dropout: float = 0.1


@dataclass(frozen=True)
class RecipeSettings:
    """Everything that decides which weights come out, apart from the machine's arithmetic."""

    seed: int = 20240617
    size: int = 128
    workers: int = 2
    codec: CodecSettings = field(default_factory=CodecSettings)
    text: TextSettings = field(default_factory=TextSettings)
    prior: PriorSettings = field(default_factory=PriorSettings)

    def with_steps(self, codec: int | None = None, prior: int | None = None) -> RecipeSettings:
        """The same recipe with other numbers of optimizer steps (the codec's in all its phases); None keeps them."""
        phases, optimizer = self.codec.phases, self.prior.optimizer
        if codec is not None:
            share = codec / sum(phase.optimizer.steps for phase in phases)
            phases = tuple(replace(p, optimizer=p.optimizer.with_steps(p.optimizer.steps * share)) for p in phases)
        if prior is not None:
            optimizer = optimizer.with_steps(prior)
        return replace(self, codec=replace(self.codec, phases=phases), prior=replace(self.prior, optimizer=optimizer))
