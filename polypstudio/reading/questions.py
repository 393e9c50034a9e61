"""What a reader may be asked on an image. A design names its questions; the page draws them from here."""

from __future__ import annotations

from typing import Literal

from polypstudio.records import Record

QuestionName = Literal["source", "pathology", "quality", "plausibility", "preference", "reason", "comment"]

CANNOT_JUDGE = 0
LOWEST, HIGHEST = 1, 6
LONGEST_COMMENT = 500


class Question(Record):
    """One row of keys: a scale of six steps, named options from 1 on, or a line of text.

    ``zero``: what key 0 says; empty where there is no way out.
    """

    name: QuestionName
    kind: Literal["scale", "options", "text"]
    title: str
    text: str
    low: str = ""
    high: str = ""
    options: tuple[str, ...] = ()
    zero: str = ""

    def accepts(self, answer: int | str | None) -> bool:
        """Whether ``answer`` is one that the page can give; a line of text may be left out."""
        if self.kind == "text":
            return answer is None or (isinstance(answer, str) and len(answer) <= LONGEST_COMMENT)
        highest = HIGHEST if self.kind == "scale" else len(self.options)
        lowest = CANNOT_JUDGE if self.zero else LOWEST
        return isinstance(answer, int) and lowest <= answer <= highest


def _scale(name: QuestionName, title: str, text: str, low: str, high: str) -> Question:
    return Question(name=name, kind="scale", title=title, text=text, low=low, high=high, zero="cannot judge")


QUESTIONS: dict[QuestionName, Question] = {
    question.name: question
    for question in (
        _scale("source", "real or synthetic", "Real or synthetic?", "surely synthetic", "surely real"),
        _scale("pathology", "AD or Non-AD", "Pathology?", "surely Non-AD", "surely AD"),
        _scale("quality", "visual quality", "Visual quality?", "very poor", "excellent"),
        _scale("plausibility", "clinical plausibility", "Clinically plausible?", "implausible", "entirely plausible"),
        Question(
            name="preference",
            kind="options",
            title="which one is real",
            text="Which one is real?",
            options=("left", "right"),
        ),
        Question(
            name="reason",
            kind="options",
            title="reason",
            text="What decided?",
            options=("texture", "vessels, pits", "colour, light", "shape, border", "artefact", "overall"),
            zero="cannot say",
        ),
        Question(name="comment", kind="text", title="free text", text="Remark"),
    )
}
OPTIONAL: tuple[QuestionName, ...] = ("quality", "plausibility", "reason", "comment")
SINGLE: tuple[QuestionName, ...] = ("source", "pathology")
PAIRS: tuple[QuestionName, ...] = ("preference",)


def valid_answers(questions: tuple[QuestionName, ...], answers: dict[str, int | str | None]) -> bool:
    """Whether every question has an answer that its keys can give, and nothing else was answered."""
    return set(answers) <= set(questions) and all(QUESTIONS[name].accepts(answers.get(name)) for name in questions)
