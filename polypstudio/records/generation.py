"""Images drawn on request, beside a study's own samples: ``generated/<key>/generation.json``."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field, field_validator

from polypstudio.records.base import Pathology, Record


class GenerationRequest(Record):
    """One prompt and one noise through several iterations. The noise is a function of seed, class and index alone."""

    iterations: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=8)
    prompt: str = Field(min_length=1, max_length=300)
    label: Pathology = Field(
        "ad", description="whose noise: with a study's own seed, that of its samples of this class"
    )
    seed: int = Field(ge=0, lt=2**31)
    guidance: float = Field(ge=0, le=30)
    steps: int = Field(ge=1, le=100)
    count: int = Field(2, ge=1, le=8)

    @field_validator("prompt")
    @classmethod
    def _one_line(cls, prompt: str) -> str:
        return " ".join(prompt.split())

    @field_validator("iterations")
    @classmethod
    def _each_once(cls, iterations: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(iterations))

    @property
    def key(self) -> str:
        """Names the request: the same one again replaces its images."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def arguments(self, study: str) -> list[str]:
        """What a shell would give to ``polypstudio`` for this request."""
        each = [part for iteration in self.iterations for part in ("--iteration", str(iteration))]
        return [
            "generate", study, *each, "--prompt", self.prompt, "--class", self.label, "--seed", str(self.seed),
            "--guidance", f"{self.guidance:g}", "--steps", str(self.steps), "--count", str(self.count),
        ]  # fmt: skip


class Generation(Record):
    """What has been drawn of a request so far; ``job`` is the id of the job that draws it, if one does."""

    request: GenerationRequest
    job: str | None = None
    images: dict[int, list[str]] = Field(
        default_factory=dict, description="iteration -> sha256 of its images, in order"
    )

    @property
    def complete(self) -> bool:
        return all(len(self.images.get(i, [])) == self.request.count for i in self.request.iterations)
