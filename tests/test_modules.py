"""Modules: what they look like, start from and compute, against stored facts from PyTorch; and how they register."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from module_cases import FORWARD, LAYERS, describe_layer, describe_run

import rushlight as torch
import rushlight.nn as nn

FACTS = json.loads((Path(__file__).parent / "references" / "modules.json").read_text())

# From PyTorch 2.13, seed 0.
TRUNCATED = [-0.014974, 1.072887, -1.64609, -1.471878]
SPARSE_ROW = [0.004033469, 0.008380263, -0.007192576]
ORTHOGONAL = [0.573981, -0.109295, -0.811542, -0.345415, -0.930883, -0.118936]


@pytest.mark.parametrize("text", LAYERS)
@pytest.mark.filterwarnings("ignore")
def test_layer_looks_and_starts_as_in_pytorch(text):
    shown, state, trained, following = FACTS["layers"][text]
    ours_shown, ours_state, ours_trained, ours_following = describe_layer(torch, text)
    assert ours_shown == shown
    assert list(ours_state) == list(state)
    for name, (dtype, shape, values) in state.items():
        assert ours_state[name][:2] == [dtype, shape]
        assert ours_state[name][2] == pytest.approx(values, rel=1e-6, abs=1e-7)
    assert ours_trained == trained
    assert ours_following == following  # the random stream is where PyTorch's is


@pytest.mark.parametrize("text", FORWARD)
@pytest.mark.filterwarnings("ignore")
def test_forward_and_backward_as_in_pytorch(text):
    outputs, grads = FACTS["forward"][text]
    ours_outputs, ours_grads = describe_run(torch, text)
    for (shape, first, last), (our_shape, our_first, our_last) in zip(outputs, ours_outputs, strict=True):
        assert our_shape == shape
        assert our_first == pytest.approx(first, rel=1e-4, abs=1e-5)
        assert our_last == pytest.approx(last, rel=1e-4, abs=1e-5)
    assert ours_grads == pytest.approx(grads, rel=1e-3, abs=1e-4)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.register_buffer("count", torch.zeros(2))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.second = self.first

    def forward(self, x):
        return self.first(x)


def test_members_are_listed_in_order_and_once():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "first.bias"]
    names = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert names == ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert [name for name, _ in net.named_parameters(prefix="p", recurse=True)] == ["p.first.weight", "p.first.bias"]
    assert list(net.named_parameters(recurse=False)) == []
    assert [name for name, _ in net.named_buffers()] == ["count", "scratch"]
    assert [name for name, _ in net.named_modules()] == ["", "first"]
    assert [name for name, _ in net.named_children()] == ["first"]
    assert len(list(net.modules())) == 2 and len(list(net.children())) == 1 and len(list(net.buffers())) == 2
    assert "first" in dir(net) and "count" in dir(net)


@pytest.mark.parametrize(
    ("action", "kind", "phrase"),
    [
        (lambda n: n.missing, AttributeError, "'Net' object has no attribute 'missing'"),
        (lambda n: n.__delattr__("missing"), AttributeError, "missing"),
        (lambda n: n.register_parameter("a.b", None), KeyError, "parameter name can"),
        (lambda n: n.register_parameter("", None), KeyError, "be empty string"),
        (lambda n: n.register_parameter(5, None), TypeError, "parameter name should be a string. Got int"),
        (lambda n: n.register_parameter("first", None), KeyError, "attribute 'first' already exists"),
        (
            lambda n: n.register_parameter("a", torch.zeros(2)),
            TypeError,
            r"cannot assign 'torch.FloatTensor' object to parameter 'a' \(torch.nn.Parameter or None required\)",
        ),
        (lambda n: n.register_buffer("a", 5), TypeError, r"cannot assign 'int' object to buffer 'a'"),
        (lambda n: n.register_buffer("training", None), KeyError, "attribute 'training' already exists"),
        (lambda n: n.add_module("a.b", None), KeyError, "contain .*, got: a.b"),
        (lambda n: n.add_module("a", 5), TypeError, "int is not a Module subclass"),
        (
            lambda n: setattr(n.first, "weight", torch.zeros(2)),
            TypeError,
            r"cannot assign 'torch.FloatTensor' as parameter 'weight' \(torch.nn.Parameter or None expected\)",
        ),
        (
            lambda n: setattr(n, "first", 5),
            TypeError,
            r"cannot assign 'int' as child module 'first' \(torch.nn.Module or None expected\)",
        ),
        (
            lambda n: setattr(n, "count", 5),
            TypeError,
            r"cannot assign 'int' as buffer 'count' \(torch.nn.Buffer, torch.Tensor or None expected\)",
        ),
        (lambda n: n.get_submodule("x.y"), AttributeError, "Net has no attribute `x`"),
        (lambda n: n.get_submodule("count"), AttributeError, "`count` is not an nn.Module"),
        (lambda n: n.get_parameter("count"), AttributeError, "`count` is not an nn.Parameter"),
        (lambda n: n.get_buffer("first"), AttributeError, "`first` is not a buffer"),
        (lambda n: n.set_submodule("", nn.ReLU()), ValueError, "without a target name"),
        (lambda n: n.set_submodule("q", 5), ValueError, "is not an nn.Module, found"),
        (lambda n: n.set_submodule("q", nn.ReLU(), strict=True), AttributeError, "Net has no attribute `q`"),
        (lambda n: n.set_submodule("count", nn.ReLU()), AttributeError, "`count` is not an nn.Module"),
        (lambda n: n.train(5), ValueError, "training mode is expected to be boolean"),
        (lambda n: n.to(torch.int64), TypeError, "only accepts floating point or complex dtypes"),
        (lambda n: nn.Module()(3), NotImplementedError, 'is missing the required "forward" function'),
        (lambda n: nn.Module(a=5), TypeError, "got an unexpected keyword argument 'a'"),
        (lambda n: nn.Module(5), TypeError, "takes 1 positional argument but 2 were given"),
        (lambda n: nn.Linear(2, 2).compile(), NotImplementedError, "compile"),
    ],
)
def test_errors(action, kind, phrase):
    with pytest.raises(kind, match=phrase):
        action(Net())


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (lambda: nn.ReLU(), "module"),
        (lambda: nn.Parameter(torch.zeros(1)), "parameters"),
        (lambda: nn.Buffer(torch.zeros(1)), "buffer"),
    ],
)
def test_assignment_before_init(value, what):
    class Early(nn.Module):
        def __init__(self):
            self.member = value()

    with pytest.raises(AttributeError, match=f"cannot assign {what} before Module.__init__\\(\\) call"):
        Early()


def test_assignment_moves_a_name_between_tables():
    net = Net()
    net.member = 5
    net.member = nn.Parameter(torch.ones(1))
    assert "member" not in net.__dict__ and "member" in net._parameters
    net.member = nn.ReLU()
    assert "member" in net._modules and "member" not in net._parameters
    net.member = None
    assert net.member is None
    del net.member
    net.member = nn.Buffer(torch.ones(1), persistent=False)
    assert "member" in net._buffers and "member" not in net.state_dict()
    net.count = torch.ones(3)
    assert net.get_buffer("count").tolist() == [1, 1, 1]
    del net.count
    assert "count" not in net.state_dict()
    net.first.weight = None
    assert [name for name, _ in net.named_parameters()] == ["first.bias"]


def test_submodules_by_path():
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert net.get_submodule("1.0") is net[1][0] and net.get_submodule("") is net
    net.set_submodule("1.0", nn.Tanh())
    assert repr(net[1]) == "Sequential(\n  (0): Tanh()\n)"
    assert net.get_parameter("0.weight") is net[0].weight


def test_conversion_keeps_parameters_and_skips_integers():
    net = nn.BatchNorm1d(2)
    weight = net.weight
    net.weight.grad = torch.ones(2)
    assert net.double() is net
    assert net.weight is weight and weight.dtype == torch.float64 and weight.grad.dtype == torch.float64
    assert net.running_mean.dtype == torch.float64 and net.num_batches_tracked.dtype == torch.int64
    net.to("cpu", torch.float32)
    assert weight.dtype == torch.float32 and weight.is_leaf and weight.requires_grad
    net.to(torch.zeros(1, dtype=torch.float64)).half()
    assert weight.dtype == torch.float16
    assert net.float().weight.dtype == torch.float32


def test_modes_gradients_apply():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    assert net.eval() is net and not net[1].training
    assert net.train()[1].training
    net(torch.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net[0].weight.grad.tolist() == [[0, 0], [0, 0]]
    net.zero_grad()
    assert net[0].weight.grad is None
    assert not net.requires_grad_(False)[0].weight.requires_grad
    seen = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Dropout", "Sequential"]


def test_parameter():
    data = torch.arange(3.0)
    parameter = nn.Parameter(data)
    data[0] = 7
    assert parameter.tolist() == [7, 1, 2]  # shared memory
    assert repr(parameter) == "Parameter containing:\ntensor([7., 1., 2.], requires_grad=True)"
    assert type(parameter * 2) is torch.Tensor and type(parameter.detach()) is torch.Tensor
    assert isinstance(parameter, torch.Tensor) and parameter.is_leaf and not isinstance(data, nn.Parameter)
    assert nn.Parameter(parameter * 2).is_leaf
    assert nn.Parameter().numel() == 0
    assert not nn.Parameter(torch.arange(3), False).requires_grad
    with pytest.raises(RuntimeError, match="(?i)only tensors of floating point"):
        nn.Parameter(torch.arange(3))
    with pytest.raises(AttributeError, match="'list' object has no attribute 'detach'"):
        nn.Parameter([1.0])
    for twin in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert type(twin) is nn.Parameter and twin.requires_grad and twin.tolist() == [7, 1, 2]
        twin.data[0] = 1
        assert parameter[0] == 7
    buffer = nn.Buffer(torch.zeros(2))
    assert isinstance(buffer, nn.Buffer) and type(buffer) is torch.Tensor and buffer.persistent
    assert not isinstance(torch.zeros(2), nn.Buffer)


def test_copies_and_pickles_of_modules():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(twin) == repr(net)
        assert twin[0].weight is not net[0].weight and twin[0].weight.tolist() == net[0].weight.tolist()
        assert isinstance(twin[0].weight, nn.Parameter)


def test_sequential_is_a_list():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    assert [type(module) for module in net + net[:1]] == [nn.ReLU, nn.Tanh, nn.ReLU]
    assert len(net * 2) == 4 and len(2 * net) == 4
    assert list(net.append(nn.ELU()).insert(0, nn.GELU())._modules) == ["0", "1", "2", "3"]
    assert isinstance(net.pop(0), nn.GELU) and list(net._modules) == ["0", "1", "2"]
    del net[0]
    net[-1] = nn.SELU()
    assert repr(net) == "Sequential(\n  (0): Tanh()\n  (1): SELU()\n)"
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert list(named[:1]._modules) == ["a"] and named.a is named[0]
    assert repr(named.append(nn.ELU())) == "Sequential(\n  (a): ReLU()\n  (b): Tanh()\n  (2): ELU(alpha=1.0)\n)"


@pytest.mark.parametrize(
    ("action", "kind", "phrase"),
    [
        (lambda: nn.Sequential(5), TypeError, "int is not a Module subclass"),
        (lambda: nn.Sequential()[0], IndexError, "index 0 is out of range"),
        (lambda: nn.Sequential().insert(9, nn.ReLU()), IndexError, "Index out of range: 9"),
        (lambda: nn.Sequential() + 5, ValueError, "add operator supports only objects of Sequential class"),
        (lambda: nn.Sequential() * 0, ValueError, "Non-positive multiplication factor 0"),
        (lambda: nn.ModuleList(5), TypeError, "ModuleList.extend should be called with an iterable, but got int"),
        (lambda: nn.ModuleList([nn.ReLU()])(3), NotImplementedError, "ModuleList"),
        (lambda: nn.ModuleDict(5), TypeError, "should be called with an iterable of key/value pairs, but got int"),
        (lambda: nn.ModuleDict([[1, 2, 3]]), ValueError, "sequence element #0 has length 3; 2 is required"),
        (lambda: nn.ModuleDict({"keys": nn.ReLU()}), KeyError, "attribute 'keys' already exists"),
        (lambda: nn.ParameterList(5), TypeError, "ParameterList.extend should be called with an iterable, but got int"),
        (lambda: nn.ParameterList()(1), RuntimeError, "ParameterList should not be called."),
        (lambda: nn.ParameterDict({5: nn.Parameter()}), TypeError, "it is not a string"),
        (lambda: nn.ParameterDict()["b"], AttributeError, "'ParameterDict' object has no attribute 'b'"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "Padding_idx must be within num_embeddings"),
        (lambda: nn.Dropout(2), ValueError, "dropout probability has to be between 0 and 1, but got 2"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups"),
        (lambda: nn.BatchNorm1d(2)(torch.zeros(2)), ValueError, r"expected 2D or 3D input \(got 1D input\)"),
        (lambda: nn.MultiheadAttention(4, 3), AssertionError, "embed_dim must be divisible by num_heads"),
        (lambda: nn.LSTM(3, 2)(torch.zeros(5, 3, 4)), RuntimeError, "Expected 3, got 4"),
        (lambda: nn.init.kaiming_uniform_(torch.empty(2)), ValueError, "fewer than 2 dimensions"),
    ],
)
def test_layer_errors(action, kind, phrase):
    with pytest.raises(kind, match=phrase):
        action()


def test_lists_and_dicts():
    modules = nn.ModuleList([nn.ReLU()]) + [nn.Tanh()]
    modules.insert(1, nn.ELU())
    assert [type(module) for module in modules[::-1]] == [nn.Tanh, nn.ELU, nn.ReLU]
    assert isinstance(modules.pop(0), nn.ReLU) and len(modules) == 2
    table = nn.ModuleDict([["b", nn.ReLU()], ["a", nn.Tanh()]])
    assert list(table) == ["b", "a"] and "a" in table and isinstance(table.pop("b"), nn.ReLU) and len(table) == 1
    values = nn.ParameterList([torch.zeros(2), 5])
    values += [nn.Parameter(torch.ones(1))]
    assert isinstance(values[0], nn.Parameter) and values[1] == 5 and list(values.state_dict()) == ["0", "2"]
    named = nn.ParameterDict({"b": torch.ones(2), "a": torch.zeros(1)})
    assert list(named) == ["a", "b"] and named.get("z") is None
    assert list(named | nn.ParameterDict({"c": torch.ones(1)})) == ["a", "b", "c"]
    assert named.popitem()[0] == "b" and list(named.state_dict()) == ["a"]


def test_deprecated_arguments_warn():
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(FutureWarning, match="`min_value` is deprecated and renamed to `min_val`"):
        assert nn.Hardtanh(min_value=-2).min_val == -2


def test_paths_of_pytorch():
    from rushlight.nn.modules import Linear, linear
    from rushlight.nn.modules.module import Module
    from rushlight.nn.parameter import Parameter

    assert (Linear, Module, Parameter) == (nn.Linear, nn.Module, nn.Parameter) and linear.Linear is Linear
    assert all(hasattr(nn, name) for name in nn.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        nn.Nonsense  # noqa: B018


def test_initialisers_draw_as_in_pytorch():
    torch.manual_seed(0)
    assert nn.init.trunc_normal_(torch.empty(5)).tolist() == pytest.approx(
        [1.5409961, -0.2934289, 0.8380263, 0.5684313, -1.0845224], rel=1e-5
    )
    torch.manual_seed(0)
    assert nn.init.trunc_normal_(torch.empty(4), 0, 10, -2, 2).tolist() == pytest.approx(TRUNCATED, rel=1e-3)
    torch.manual_seed(0)
    assert nn.init.sparse_(torch.empty(4, 3), 0.5).tolist()[2] == pytest.approx(SPARSE_ROW, rel=1e-4)
    torch.manual_seed(0)
    assert nn.init.orthogonal_(torch.empty(2, 3)).flatten().tolist() == pytest.approx(ORTHOGONAL, rel=1e-3)
    assert nn.init.dirac_(torch.empty(2, 1, 3), groups=2).tolist() == [[[0, 1, 0]], [[0, 1, 0]]]
    assert nn.init.eye_(torch.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert nn.init.calculate_gain("leaky_relu", 0.2) == pytest.approx(1.3867504905630728)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parameter = nn.init.constant_(nn.Parameter(torch.empty(2)), 3)
    assert parameter.requires_grad and parameter.is_leaf and parameter.tolist() == [3, 3]


def test_clipping():
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad = torch.tensor([3.0, 0.0])
    parameters[1].grad = torch.tensor([4.0])
    norm = nn.utils.clip_grad_norm_(parameters, 1.0)
    assert norm.item() == 5.0
    assert parameters[0].grad.tolist() == pytest.approx([0.6, 0.0], rel=1e-5)
    assert nn.utils.clip_grad_norm_(iter(parameters), 10.0, float("inf")).item() == pytest.approx(0.8, rel=1e-5)
    nn.utils.clip_grad_value_(parameters, 0.5)
    assert parameters[1].grad.tolist() == [0.5]
    parameters[0].grad[0] = float("nan")
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    with pytest.warns(UserWarning, match="no gradient clipping will occur"):
        assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    vector = nn.utils.parameters_to_vector(parameters[:2])
    nn.utils.vector_to_parameters(vector + 1, parameters[:2])
    assert parameters[0].tolist() == [1, 1]


def test_packed_sequences():
    rnn = nn.utils.rnn
    sequences = [torch.arange(2.0), torch.arange(4.0), torch.arange(1.0)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert packed.data.tolist() == [0, 0, 0, 1, 1, 2, 3] and packed.batch_sizes.tolist() == [3, 2, 1, 1]
    assert packed.sorted_indices.tolist() == [1, 0, 2] and packed.unsorted_indices.tolist() == [1, 0, 2]
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0, total_length=5)
    assert padded.tolist() == [[0, 1, -1, -1, -1], [0, 1, 2, 3, -1], [0, -1, -1, -1, -1]]
    assert lengths.tolist() == [2, 4, 1]
    assert [sequence.tolist() for sequence in rnn.unpack_sequence(packed)] == [[0, 1], [0, 1, 2, 3], [0]]
    assert rnn.pad_sequence(sequences, padding_side="left").tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0], [1, 3, 0]]
    with pytest.raises(RuntimeError, match="`lengths` array must be sorted in decreasing order"):
        rnn.pack_sequence(sequences)


def test_parametrizations():
    parametrize = nn.utils.parametrize

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x):
            return x.triu()

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    assert parametrize.is_parametrized(layer, "weight") and type(layer).__name__ == "ParametrizedLinear"
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = torch.tensor([[1.0, 2.0], [2.0, 3.0]])
    assert layer.weight.tolist() == [[1, 2], [2, 3]]
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.parametrizations.weight.original.grad.tolist() == [[1, 2], [0, 1]]
    with parametrize.cached():
        assert layer.weight is layer.weight
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and layer.weight.tolist() == [[1, 2], [2, 3]]
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))
    assert {name: list(value.shape) for name, value in normed.state_dict().items()} == {
        "bias": [4],
        "parametrizations.weight.original0": [4, 1],
        "parametrizations.weight.original1": [4, 3],
    }


def test_spectral_norm_finds_the_greatest_singular_value():
    torch.manual_seed(0)
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4), n_power_iterations=20)
    assert np.linalg.svd(layer.weight.detach().numpy())[1][0] == pytest.approx(1, rel=1e-4)
    old = nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=50)
    old(torch.ones(1, 3))
    assert np.linalg.svd(old.weight.detach().numpy())[1][0] == pytest.approx(1, rel=1e-4)
    assert sorted(old.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert list(nn.utils.remove_spectral_norm(old).state_dict()) == ["bias", "weight"]
