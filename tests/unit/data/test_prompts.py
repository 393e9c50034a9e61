from __future__ import annotations

from polypstudio.data.prompts import all_prompts, prompt


def test_the_words_of_each_class() -> None:
    assert prompt("ad") == "a colonoscopy image of an adenomatous polyp, high quality"
    assert prompt("non_ad") == "a colonoscopy image of a non-adenomatous polyp, high quality"
    assert prompt("unlabelled", "low") == "a colonoscopy image of a polyp, low quality"
    assert prompt("non_polyp", "low") == "a colonoscopy image of the colon without a polyp, low quality"


def test_all_prompts_are_the_eight_that_can_be_asked_for() -> None:
    prompts = all_prompts()
    assert len(set(prompts)) == len(prompts) == 8
    assert prompt("non_polyp", "low") in prompts
