"""`state_dict` and `load_state_dict`; messages as PyTorch 2.13 words them."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import rushlight as torch
import rushlight.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 3)
        self.register_buffer("b", torch.zeros(2))
        self.register_buffer("nb", torch.zeros(2), persistent=False)


def full_state():
    return {"l.weight": torch.ones(3, 2), "l.bias": torch.ones(3), "b": torch.ones(2)}


def test_state_dict_shares_memory_and_carries_metadata():
    net = Net()
    state = net.state_dict()
    assert type(state) is OrderedDict and list(state) == ["b", "l.weight", "l.bias"]
    assert state._metadata == OrderedDict([("", {"version": 1}), ("l", {"version": 1})])
    assert type(state["l.weight"]) is torch.Tensor and not state["l.weight"].requires_grad
    state["l.bias"].fill_(5)
    assert net.l.bias.tolist() == [5, 5, 5]
    assert net.state_dict(keep_vars=True)["l.weight"] is net.l.weight
    destination = {"x": 1}
    assert net.state_dict(destination=destination, prefix="p.") is destination
    assert list(destination) == ["x", "p.b", "p.l.weight", "p.l.bias"]
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert list(net.state_dict(None, "q.")) == ["q.b", "q.l.weight", "q.l.bias"]
    assert nn.BatchNorm1d(1).state_dict()._metadata[""] == {"version": 2}


def test_load_copies_in_place():
    net = Net()
    weight = net.l.weight
    result = net.load_state_dict(full_state())
    assert repr(result) == "<All keys matched successfully>" and result == ([], [])
    assert net.l.weight is weight and weight.tolist() == [[1, 1]] * 3 and weight.requires_grad
    net.load_state_dict({**full_state(), "l.bias": torch.full((3,), 2, dtype=torch.float64)})
    assert net.l.bias.dtype == torch.float32 and net.l.bias.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, '\n\tMissing key(s) in state_dict: "b", "l.weight", "l.bias". '),
        (
            {"x": torch.zeros(2)},
            '\n\tMissing key(s) in state_dict: "b", "l.weight", "l.bias". \n\tUnexpected key(s) in state_dict: "x". ',
        ),
        (
            {**full_state(), "l.weight": torch.zeros(3, 3), "q": 1},
            '\n\tUnexpected key(s) in state_dict: "q". \n\tsize mismatch for l.weight: copying a param with shape '
            "torch.Size([3, 3]) from checkpoint, the shape in current model is torch.Size([3, 2]).",
        ),
        ({**full_state(), "l.weight.x": 2, "z.a": 1}, '\n\tUnexpected key(s) in state_dict: "l.weight.x", "z.a". '),
    ],
)
def test_errors(state, message):
    with pytest.raises(RuntimeError) as caught:
        Net().load_state_dict(state)
    expected = "Error(s) in loading state_dict for Net:" + message
    order = ' "l.weight.x", "z.a"', ' "z.a", "l.weight.x"'
    assert str(caught.value) in (expected, expected.replace(*order))


def test_wrong_types():
    with pytest.raises(RuntimeError, match="expected torch.Tensor or Tensor-like object from checkpoint but received"):
        Net().load_state_dict({**full_state(), "l.weight": 5})
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'int'>."):
        Net().load_state_dict(5)


def test_not_strict():
    net = Net()
    result = net.load_state_dict({"b": torch.ones(2), "q": 1}, strict=False)
    assert repr(result) == "_IncompatibleKeys(missing_keys=['l.weight', 'l.bias'], unexpected_keys=['q'])"
    assert net.b.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="size mismatch for b"):
        net.load_state_dict({"b": torch.ones(3)}, strict=False)


def test_assign():
    net = Net()
    state = full_state()
    state["l.weight"] = state["l.weight"].double()
    net.load_state_dict(state, assign=True)
    assert isinstance(net.l.weight, nn.Parameter) and net.l.weight.dtype == torch.float64
    state["l.weight"][0, 0] = 9
    assert net.l.weight[0, 0] == 9 and net.b is state["b"]


def test_one_element_for_a_scalar():
    class Scalar(nn.Module):
        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.tensor(1.0))

    net = Scalar()
    net.load_state_dict({"p": torch.tensor([2.0])})
    assert net.p.item() == 2 and net.p.shape == ()


def test_batch_norm_of_older_pytorch_has_no_counter():
    norm = nn.BatchNorm1d(1)
    state = OrderedDict((k, v) for k, v in norm.state_dict().items() if k != "num_batches_tracked")
    assert repr(norm.load_state_dict(state)) == "<All keys matched successfully>"


def test_extra_state():
    seen = []

    class Extra(nn.Module):
        def get_extra_state(self):
            return {"a": 1}

        def set_extra_state(self, state):
            seen.append(state)

    net = nn.Sequential(Extra())
    state = net.state_dict()
    assert dict(state) == {"0._extra_state": {"a": 1}}
    net.load_state_dict(state)
    assert seen == [{"a": 1}]
    with pytest.raises(RuntimeError, match='Missing key.s. in state_dict: "0._extra_state"'):
        net.load_state_dict({})
    with pytest.raises(RuntimeError, match='Unexpected key.s. in state_dict: "_extra_state"'):
        nn.ReLU().load_state_dict({"_extra_state": 1})


def test_hooks():
    layer, seen = nn.Linear(1, 1), []
    handles = [
        layer.register_state_dict_pre_hook(lambda module, prefix, keep: seen.append(("pre", prefix, keep))),
        layer.register_state_dict_post_hook(lambda module, state, prefix, metadata: seen.append(list(state))),
        layer.register_load_state_dict_pre_hook(
            lambda module, state, prefix, metadata, strict, *lists: seen.append((type(module), prefix, len(lists)))
        ),
        layer.register_load_state_dict_post_hook(lambda module, keys: seen.append(list(keys.missing_keys))),
    ]
    layer.load_state_dict(nn.Sequential(layer).state_dict(), strict=False)
    assert seen == [
        ("pre", "0.", False),
        ["0.weight", "0.bias"],
        (nn.Linear, "", 3),
        ["weight", "bias"],
    ]
    for handle in handles:
        handle.remove()
    seen.clear()
    layer.load_state_dict(layer.state_dict())
    assert seen == []


def test_hook_results():
    layer = nn.Linear(1, 1)
    wrong = pytest.raises(RuntimeError, match="state_dict post-hook must return None")
    with layer.register_state_dict_post_hook(lambda *args: 5), wrong:
        layer.state_dict()
    layer._register_state_dict_hook(lambda module, state, prefix, metadata: {"z": 1})
    assert layer.state_dict() == {"z": 1}
    layer = nn.Linear(1, 1)
    layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    assert repr(layer.load_state_dict({})) == "<All keys matched successfully>"
    layer.register_load_state_dict_post_hook(lambda module, keys: 5)
    with pytest.raises(AssertionError, match="are not expected to return new values"):
        layer.load_state_dict({})
