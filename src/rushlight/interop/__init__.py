"""Rushlight among others: the `torch` alias, and running programs and notebooks written for PyTorch."""
