"""Images -> features, by encoders that are named and never mixed.

A name is ``<network>`` or ``<network>@<pixels>``: the input size is part of it, because KID at 128 px is many times
that at 224 px. torch and timm are imported by the functions that need them, so that knowing encoders costs nothing.
"""

from __future__ import annotations

from polypstudio.encoders.catalogue import (
    NETWORKS,
    Encoder,
    Network,
    encoder_family,
    encoder_preprocessing,
    encoder_version,
    parse_encoder,
)
from polypstudio.encoders.efficientnet import create_network, in_order
from polypstudio.encoders.extraction import encode, extract, in_shares, normalise

__all__ = [
    "NETWORKS",
    "Encoder",
    "Network",
    "create_network",
    "encode",
    "encoder_family",
    "encoder_preprocessing",
    "encoder_version",
    "extract",
    "in_order",
    "in_shares",
    "normalise",
    "parse_encoder",
]
