"""Helpers for parameters and gradients; each file is imported when one of its names is first used."""

from __future__ import annotations

from ...lazy import on_demand

_FILES = {
    "clip_grad": "clip_grad_norm clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm",
    "convert_parameters": "parameters_to_vector vector_to_parameters",
    "fusion": "fuse_conv_bn_eval fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights",
    "init": "skip_init",
    "parametrizations": "",
    "parametrize": "",
    "prune": "",
    "rnn": "",
    "stateless": "",
    "spectral_norm": "remove_spectral_norm spectral_norm",
    "weight_norm": "remove_weight_norm weight_norm",
}

__all__ = [*" ".join(_FILES.values()).split(), "parametrizations", "parametrize", "prune", "rnn", "stateless"]

__getattr__, __dir__ = on_demand(globals(), _FILES)
