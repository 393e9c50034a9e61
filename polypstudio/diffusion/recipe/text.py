"""A tokenizer that knows the prompts' words and spells out all others, and a random text encoder."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from polypstudio.diffusion.recipe.settings import TextSettings

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"

Pair = tuple[str, str]


def new_tokenizer(prompts: list[str], length: int) -> CLIPTokenizer:
    """A CLIP tokenizer in which every word of the prompts is one token; it pads and cuts to `length` tokens.

    Its vocabulary is every byte, alone and at a word's end, the merges that build the words, and two special tokens,
    so that no text is unknown to it.
    """
    words = sorted(set(re.findall(r"[a-z]+|[^a-z\s]+", " ".join(prompts).lower())))
    merges = merges_for(words)
    alphabet = sorted(_byte_alphabet())
    tokens = [*alphabet, *(letter + WORD_END for letter in alphabet), *map("".join, merges), START, END]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocabulary, merges=merges, model_max_length=length)


def merges_for(words: list[str]) -> list[Pair]:
    """Byte pair encoding (Sennrich et al. 2016) of the words, carried on until each is one token."""
    spelled = [[*word[:-1], word[-1] + WORD_END] for word in words]
    merges: list[Pair] = []
    while counts := Counter(pair for parts in spelled for pair in pairwise(parts)):
        best = max(sorted(counts), key=counts.__getitem__)
        merges.append(best)
        spelled = [_merged(parts, best) for parts in spelled]
    return merges


def _merged(parts: list[str], pair: Pair) -> list[str]:
    result: list[str] = []
    rest = iter(range(len(parts)))
    for i in rest:
        if tuple(parts[i : i + 2]) == pair:
            result.append("".join(pair))
            next(rest)
        else:
            result.append(parts[i])
    return result


def _byte_alphabet() -> list[str]:
    """The 256 printable characters that stand for bytes in byte-level encodings (Radford et al. 2019)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in sorted(printable)] + [chr(256 + i) for i in range(len(others))]


def new_text_encoder(tokenizer: CLIPTokenizer, settings: TextSettings, seed: int) -> CLIPTextModel:
    """A CLIP text encoder that stays random: with so few prompts, telling them apart is all the U-Net asks of it."""
    torch.manual_seed(seed)
    model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.width,
            intermediate_size=4 * settings.width,
            projection_dim=settings.width,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            max_position_embeddings=settings.length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_(std=settings.embedding_deviation)
    return model.eval().requires_grad_(False)  # type: ignore[no-any-return]


@torch.inference_mode()
def embed(prompts: list[str], tokenizer: CLIPTokenizer, encoder: CLIPTextModel) -> torch.Tensor:
    """What the U-Net's cross-attention sees of the prompts: (prompts, length, width)."""
    tokens = tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return encoder(tokens).last_hidden_state  # type: ignore[no-any-return]
