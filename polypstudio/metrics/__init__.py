"""Metrics: arrays in, records or arrays out. No torch, no disk, no UI."""
