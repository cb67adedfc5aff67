"""Functions of nn.functional refuse, and warn of, what PyTorch does, in its words."""

import json
from pathlib import Path

import pytest
from functional_cases import answer

import rushlight as torch
from rushlight.nn import functional

# Calls that we answer in words of our own, since PyTorch's say little.
OWN_WORDS = (
    "F.conv_transpose2d(r(1,3,5,5),r(3,4,3,3),output_padding=1)", "F.unfold(r(2,3),2)", "F.max_pool2d(r(2,2),2)",
    "F.avg_pool2d(r(2,4),2)", "F.max_pool1d(r(1,4),5)", "F.pad(r(2,3),(-2,-2))",
    "F.binary_cross_entropy(r(3).sigmoid(),r(3).sigmoid(),weight=r(2))", "F.soft_margin_loss(r(3),r(2))",
    "F.batch_norm(torch.ones(2,3).int(),r(3),r(3))", "F.instance_norm(r(2,3,2),r(4),r(4))", "F.rms_norm(r(2,3),(2,))",
    "F.embedding_bag(torch.tensor([[1,2]]),r(3,2),torch.tensor([0]))",
)  # fmt: skip
OTHER_TYPE = ("F.unfold(r(2,3),2)", "F.avg_pool2d(r(2,4),2)", "F.batch_norm(torch.ones(2,3).int(),r(3),r(3))")


FACTS = json.loads((Path(__file__).parent / "references" / "functional_errors.json").read_text())


@pytest.mark.parametrize("call", FACTS)
def test_answers_as_pytorch(call):
    theirs, ours = FACTS[call], answer(torch, functional, call)
    if call not in OTHER_TYPE:
        assert ours[0] == theirs[0], ours[1]
    assert ours[2] == theirs[2]
    if ours[0] == "OK":
        assert ours[1] == theirs[1]
    elif call not in OWN_WORDS:
        assert theirs[1].split("\n[")[0] in ours[1]
