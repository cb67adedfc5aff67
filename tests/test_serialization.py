"""Checkpoints: files of PyTorch's are read, ours have its form, sharing is kept, and no file can run code."""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight import serialization
from rushlight.interop import safetensors

CHECKPOINT = Path(__file__).with_name("references") / "checkpoint.pt"


def saved(obj, **options):
    """A file object with a saved object in it."""
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return file


def again(obj, **options):
    return torch.load(saved(obj), **options)


# --- PyTorch's files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mmap", [False, True])
def test_a_file_of_pytorch_s(mmap):
    found = torch.load(CHECKPOINT, mmap=mmap)
    values = {
        "base": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], "row": [3.0, 4.0, 5.0], "transposed": [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]],
        "double": [0.1], "half": [1.5], "integers": [1, -2],
        "truths": [True, False], "uint16": [7], "complex": [1 + 2j], "scalar": 3.5,
        "empty": [], "leaf": [1.0, 1.0], "parameter": [0.0, 0.0], "noted": [1.0, 1.0],
    }  # fmt: skip
    types = {"double": "float64", "half": "float16", "integers": "int64", "truths": "bool", "uint16": "uint16"}
    types["complex"] = "complex64"
    for name, value in values.items():
        assert found[name].tolist() == value
        assert str(found[name].dtype) == f"torch.{types.get(name, 'float32')}"
    assert found["empty"].shape == (0, 3)
    assert found["transposed"].stride() == (1, 3)
    assert found["leaf"].requires_grad and found["leaf"].is_leaf and not found["base"].requires_grad
    assert type(found["parameter"]) is torch.nn.Parameter and found["parameter"].requires_grad
    assert found["noted"].note == "hi"
    assert (found["dtype"], found["size"], found["device"]) == (torch.float32, torch.Size([1, 2]), torch.device("cpu"))
    assert (found["bytes"], found["set"], found["number"], found["big"]) == (b"\x00\xff", {1, 2}, 1 + 2j, 2**70)
    assert found["nested"] == [(1, None), {"a": 1.5}, OrderedDict(b=True)]
    assert found["class"] is torch.Tensor
    found["row"][0] = 9
    assert found["base"][1, 0] == 9 and found["transposed"][0, 1] == 9
    assert torch.load(CHECKPOINT)["base"][1, 0] == 3  # the file stays as it was


def test_a_state_dict_of_pytorch_s():
    state = torch.load(CHECKPOINT)["state"]
    assert type(state) is OrderedDict and state._metadata["1"] == {"version": 2}
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1))
    assert str(model.load_state_dict(state)) == "<All keys matched successfully>"
    assert [parameter.flatten()[0].item() for parameter in model.parameters()] == [0.5, 1.5, 2.5, 3.5]


def test_our_files_have_pytorch_s_form(tmp_path):
    torch.save({"w": torch.ones(2, dtype=torch.float64), "p": torch.nn.Parameter(torch.ones(1))}, tmp_path / "model.pt")
    with zipfile.ZipFile(tmp_path / "model.pt") as archive:
        names = archive.namelist()
        described = archive.read("model/data.pkl")
        assert archive.read("model/version") == b"3\n"
        assert archive.read("model/byteorder").decode() == sys.byteorder
        assert archive.read("model/data/0") == np.ones(2).tobytes()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert names[0] == "model/data.pkl"
    for name in (b"torch._utils\n_rebuild_tensor_v2\n", b"torch\nDoubleStorage\n", b"torch._utils\n_rebuild_parameter\n"):
        assert b"c" + name in described
    assert b"rushlight" not in described


def test_contents_are_aligned_for_mapping(tmp_path):
    torch.save([torch.arange(5), torch.ones(3)], tmp_path / "a.pt")
    one, two = torch.load(tmp_path / "a.pt", mmap=True)
    assert one.tolist() == [0, 1, 2, 3, 4] and two.tolist() == [1, 1, 1]
    assert one.data_ptr() % 64 == two.data_ptr() % 64 == 0
    one.add_(1)
    assert torch.load(tmp_path / "a.pt")[0].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="f must be a file path"):
        torch.load(saved(one), mmap=True)


# --- there and back ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, 6))
def test_there_and_back(protocol):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    found = torch.load(saved(states, pickle_protocol=protocol))
    twin = torch.nn.Linear(2, 2)
    twin.load_state_dict(found["model"])
    other = torch.optim.Adam(twin.parameters())
    other.load_state_dict(found["optimizer"])
    assert torch.equal(twin.weight, model.weight) and found["epoch"] == 3
    assert torch.equal(other.state[twin.weight]["exp_avg"], optimizer.state[model.weight]["exp_avg"])
    assert other.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("tensor", [
    torch.tensor(2.5), torch.empty(0, 2), torch.ones(2, 3).t(), torch.ones(1).expand(3), torch.arange(10)[2:8:2],
    torch.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))), torch.from_numpy(np.arange(6.0)[::2]),
    torch.from_numpy(np.broadcast_to(np.arange(3.0), (2, 3)).copy()[:, ::2]), torch.ones(2, requires_grad=True) * 3,
    torch.tensor([1 + 1j]), torch.tensor([True]), torch.tensor([1], dtype=torch.uint32),
], ids=lambda tensor: f"{tensor.dtype}{list(tensor.shape)}")  # fmt: skip
def test_kinds_of_memory(tensor):
    found = again(tensor)
    assert torch.equal(found, tensor) and found.dtype is tensor.dtype and found.stride() == tensor.stride()
    assert found.is_leaf and found.requires_grad == tensor.requires_grad


def test_shared_memory_and_identity():
    base = torch.zeros(4)
    a, b, c = again([base, base[1:3], base])
    a[1] = 5
    assert b.tolist() == [5, 0]
    assert a is c
    assert a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def test_subclasses_and_whole_modules():
    class Marked(torch.Tensor):
        pass

    globals()["Marked"] = Marked
    Marked.__qualname__ = "Marked"
    x = torch.ones(2).as_subclass(Marked)
    x.note = "hi"
    with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[test_serialization.Marked\]\)"):
        again(x)
    with serialization.safe_globals([Marked]):
        found = again(x)
    assert type(found) is Marked and found.note == "hi"
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    with pytest.raises(pickle.UnpicklingError, match=r"torch.nn.modules.\w+.\w+ was not an allowed global by default"):
        again(model)
    twin = again(model, weights_only=False)
    assert repr(twin) == repr(model)
    assert torch.equal(twin(torch.ones(1, 2)), model(torch.ones(1, 2)))


def test_numpy_values():
    values = [np.float64(1.5), np.arange(3), np.dtype("int32")]
    with pytest.raises(pickle.UnpicklingError, match="numpy"):
        again(values)
    one, two, three = again(values, weights_only=False)
    assert one == 1.5 and two.tolist() == [0, 1, 2] and three == np.dtype("int32")


def test_files_and_paths(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b")):
        torch.save([1, "two"], path)
        assert torch.load(path) == [1, "two"]
        with open(path, "rb") as file:
            assert torch.load(file) == [1, "two"]
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "nothing")
    with pytest.raises(AttributeError, match="read and seek"):
        torch.load(3)


def test_byte_order():
    file, swapped = saved(torch.tensor([1.0, 2.0])), io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(swapped, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("byteorder"):
                content = b"big" if sys.byteorder == "little" else b"little"
            elif "/data/" in name:
                content = np.frombuffer(content, np.float32).byteswap().tobytes()
            target.writestr(name, content)
    assert torch.load(swapped).tolist() == [1.0, 2.0]


# --- map_location -----------------------------------------------------------------------------------------------------------------


def test_places():
    for where in ("cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage):
        assert again(torch.ones(1), map_location=where).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on cuda"):
        again(torch.ones(1), map_location="cuda")
    described = pickle.dumps(0)  # replaced below by a file that has its tensor on a GPU
    file, moved = saved(torch.ones(1)), io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(moved, "w") as target:
        for name in source.namelist():
            described = source.read(name)
            if name.endswith("data.pkl"):
                described = described.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            target.writestr(name, described)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on cuda:0"):
        torch.load(moved)
    for where in ("cpu", {"cuda:0": "cpu"}):
        assert torch.load(moved, map_location=where).tolist() == [1.0]


# --- no code ----------------------------------------------------------------------------------------------------------------------


def archive(described: bytes) -> io.BytesIO:
    """A checkpoint with that pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("archive/data.pkl", described)
        target.writestr("archive/data/0", b"\0" * 8)
        target.writestr("archive/version", b"3\n")
    file.seek(0)
    return file


class Calling:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"
REBUILD = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
HARMFUL = {
    "a call": pickle.dumps(Calling(eval, "1"), 2),
    "a call, new protocol": pickle.dumps(Calling(exec, "1"), 4),
    "an attribute": pickle.dumps(Calling(getattr, 1, "real"), 2),
    "an import": pickle.dumps(Calling(__import__, "os"), 2),
    "a method of ours": b"\x80\x02crushlight.serialization\nload\n.",
    "a class of ours": b"\x80\x02ctorch.optim.sgd\nSGD\n.",
    "an instance by the oldest opcodes": b"(S'1'\nibuiltins\neval\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "a call of a value": b"\x80\x02X\x01\x00\x00\x00a)R.",
    "building a class": b"\x80\x02ccollections\nOrderedDict\n}X\x03\x00\x00\x00getK\x01sb.",
    "building a function": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
    "another persistent id": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "a tensor beyond its storage": REBUILD + b"(" + STORAGE + b"K\x00K\x64\x85K\x01\x85\x89NtR.",
    "a tensor before its storage": REBUILD + b"(" + STORAGE + b"J\xff\xff\xff\xffK\x01\x85K\x01\x85\x89NtR.",
    "nothing": b"",
    "a broken pickle": b"\x80\x02RRR.",
    "memory that is not there": b"\x80\x02h\x05.",
    "a mark that is not there": b"\x80\x02t.",
}


@pytest.mark.parametrize("weights_only", [None, False])
@pytest.mark.parametrize("name", HARMFUL)
def test_no_file_runs_code(name, weights_only):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(archive(HARMFUL[name]), weights_only=weights_only)


def test_files_cannot_reach_into_tensors():
    file = saved(torch.ones(1))
    with zipfile.ZipFile(file) as source:
        described = source.read("archive/data.pkl")
    tampered = described[:-1] + b"}(X\x06\x00\x00\x00_hooksK\x01X\x04\x00\x00\x00noteK\x02ub."
    moved = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(moved, "w") as target:
        for name in source.namelist():
            target.writestr(name, tampered if name.endswith("data.pkl") else source.read(name))
    found = torch.load(moved)
    assert found.note == 2 and found._hooks is None


def test_refusals_name_what_was_refused():
    with pytest.raises(pickle.UnpicklingError, match="builtins.eval was not an allowed global by default"):
        torch.load(archive(HARMFUL["a call"]))
    assert serialization.get_unsafe_globals_in_checkpoint(archive(HARMFUL["a call"])) == ["builtins.eval"]
    assert serialization.get_unsafe_globals_in_checkpoint(saved(torch.ones(1))) == []
    with pytest.raises(pickle.UnpicklingError, match="no checkpoint in PyTorch's zip format"):
        torch.load(io.BytesIO(pickle.dumps([1])))


def test_lists_of_safe_globals():
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([OrderedDict, (Calling, "elsewhere.Thing")])
    assert serialization.get_safe_globals() == [OrderedDict, (Calling, "elsewhere.Thing")]
    serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []
    with serialization.safe_globals([Calling]):
        assert serialization.get_safe_globals() == [Calling]
    assert serialization.get_safe_globals() == []


def test_options_that_are_not_there():
    with pytest.raises(NotImplementedError, match="zip format"):
        saved([1], _use_new_zipfile_serialization=False)
    with pytest.raises(TypeError, match="unexpected arguments: shape"):
        torch.load(saved([1]), shape=3)


# --- safetensors ------------------------------------------------------------------------------------------------------------------


def test_safetensors_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install rushlight\[safetensors\]"):
        safetensors.save({"a": torch.ones(1)})
