"""The stages of the paper, as this project reads it."""

from __future__ import annotations

from polypstudio.config.stages import FROZEN_PRESETS, POLYP_PROMPT, SourceConfig, StageConfig


def prior_stage(steps: int, learning_rate: float = 1e-3, ema_decay: float = 0.995) -> StageConfig:
    """Stage 1, ``polyp_prior``: many polyp and non-polyp frames with quality prompts; the classes are not told apart."""
    return StageConfig(
        name="polyp_prior",
        steps=steps,
        learning_rate=learning_rate,
        ema_decay=ema_decay,
        sources=(SourceConfig(prompt=POLYP_PROMPT),),
    )


def pathology_stage(
    steps: int,
    checkpoint_every: int,
    learning_rate: float = 3e-4,
    ema_decay: float = 0.99,
    frozen: tuple[str, ...] = FROZEN_PRESETS["first down block"],
    labelled: float = 0.75,
    rehearsal: float = 0.15,
    unlabelled: float = 0.10,
) -> StageConfig:
    """Stage 2, ``pathology``: AD/Non-AD of high quality in equal parts, part of the U-Net encoder frozen.

    The last three arguments are the ratios of its sources; one of 0 is left out.
    """
    sources = (
        SourceConfig(name="labelled", labels=("ad", "non_ad"), ratio=labelled, balance="classes", quality="high"),
        SourceConfig(name="rehearsal", ratio=rehearsal, prompt=POLYP_PROMPT),
        SourceConfig(name="unlabelled", labels=("unlabelled",), ratio=unlabelled, balance="classes"),
    )
    return StageConfig(
        name="pathology",
        steps=steps,
        checkpoint_every=checkpoint_every,
        learning_rate=learning_rate,
        ema_decay=ema_decay,
        frozen=frozen,
        sources=tuple(source for source in sources if source.ratio),
    )
