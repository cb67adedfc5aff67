"""The torch alias: one module object under two names."""

from __future__ import annotations

import importlib
import importlib.metadata
import pickle
import sys
from types import ModuleType

import pytest

import rushlight
from rushlight.interop import alias


@pytest.fixture
def torch(monkeypatch):
    """Rushlight under torch's name, whatever torch there was put back afterwards."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    rushlight.install_as_torch()
    yield importlib.import_module("torch")
    alias.uninstall()


def test_every_import_form_gives_the_same_module_objects(torch):
    scope = {}
    exec(
        "import torch\n"
        "import torch.nn.functional as F\n"
        "import torch.optim.lr_scheduler\n"
        "from torch import nn\n"
        "from torch.utils.data import DataLoader\n",
        scope,
    )
    assert scope["torch"] is torch is rushlight
    assert scope["nn"] is sys.modules["rushlight.nn"] is sys.modules["torch.nn"]
    assert scope["F"] is sys.modules["rushlight.nn.functional"] is sys.modules["torch.nn.functional"]
    assert scope["torch"].optim.lr_scheduler is sys.modules["rushlight.optim.lr_scheduler"]
    assert scope["DataLoader"] is importlib.import_module("rushlight.utils.data").DataLoader


@pytest.mark.parametrize("first", ["rushlight", "torch"])
def test_a_module_loaded_late_is_one_under_both_names(torch, tmp_path, monkeypatch, first):
    package = tmp_path / "latecomer"
    package.mkdir()
    (package / "__init__.py").write_text("class Thing: pass\n")
    (package / "part.py").write_text("def thing():\n    from . import Thing\n    return Thing\n")
    monkeypatch.setattr(rushlight, "__path__", [*rushlight.__path__, str(tmp_path)])
    second = {"rushlight": "torch", "torch": "rushlight"}[first]
    try:
        part = importlib.import_module(f"{first}.latecomer.part")
        assert importlib.import_module(f"{second}.latecomer.part") is part
        assert importlib.import_module("torch.latecomer") is importlib.import_module("rushlight.latecomer")
        assert part.__name__ == part.__spec__.name == "rushlight.latecomer.part"
        assert part.thing() is rushlight.latecomer.Thing  # its relative import, inside a function
    finally:
        for name in [name for name in sys.modules if ".latecomer" in name]:
            del sys.modules[name]
        del rushlight.latecomer


def test_classes_pickle_across_the_names(torch):
    module = importlib.import_module("torch.nn").Linear
    assert pickle.loads(pickle.dumps(module)) is rushlight.nn.Linear


@pytest.mark.parametrize("expression", ["torch.gone", "torch.nn.gone", "torch.nn.functional.gone", "torch.optim.gone"])
def test_a_missing_name_says_so_and_how_to_report_it(torch, expression):
    importlib.import_module("torch.nn.functional")
    with pytest.raises(AttributeError, match=f"Rushlight has no {expression}.*https://.*/issues") as caught:
        eval(expression, {"torch": torch})
    assert caught.value.name == "gone"


@pytest.mark.parametrize("name", ["torch.gone", "torch.nn.gone", "torch.gone.deeper"])
def test_a_missing_module_says_so_and_how_to_report_it(torch, name):
    missing = ".".join(name.split(".")[: name.split(".").index("gone") + 1])
    with pytest.raises(ModuleNotFoundError, match=f"Rushlight has no module {missing}.*https://.*/issues") as caught:
        importlib.import_module(name)
    assert caught.value.name == missing


def test_a_fault_inside_a_lazy_module_is_not_taken_for_a_missing_name(torch):
    def lazy(name):
        return object().inner

    module = ModuleType("rushlight.faulty")
    module.__getattr__ = lazy
    alias._say_what_is_missing(module, "torch.faulty")
    with pytest.raises(AttributeError, match="'object' object has no attribute 'inner'"):
        module.thing  # noqa: B018


def test_version_is_that_of_the_pytorch_that_we_stand_in_for(torch):
    assert torch.__version__ == importlib.metadata.version("torch")
    assert torch.__version__.startswith("2.13.0+rushlight")
    alias.uninstall()
    assert rushlight.__version__ == "0.1.0"
    alias.install_as_torch()
    assert importlib.metadata.version("numpy") != rushlight.__version__


def test_installing_again_changes_nothing(torch):
    finders, getattribute = list(sys.meta_path), rushlight.__getattr__
    rushlight.install_as_torch()
    assert sys.meta_path == finders
    assert rushlight.__getattr__ is getattribute


def test_uninstalling_takes_the_names_away(torch):
    alias.uninstall()
    assert not [name for name in sys.modules if name.partition(".")[0] == "torch"]
    assert sys.modules["rushlight"] is rushlight
    assert not {alias._finder, alias.WORKERS} & {*sys.meta_path, *sys.path}
    rushlight.install_as_torch()


def test_another_torch_already_loaded_is_an_error(monkeypatch):
    other = ModuleType("torch")
    other.__file__ = "site-packages/torch/__init__.py"
    monkeypatch.setitem(sys.modules, "torch", other)
    with pytest.raises(RuntimeError, match="another torch already loaded, from site-packages/torch.*before the first"):
        rushlight.install_as_torch()
    assert sys.modules["torch"] is other
    assert alias._finder not in sys.meta_path


def test_notes_go_only_on_errors_about_our_names():
    def notes(error):
        alias.explain(error)
        return getattr(error, "__notes__", [])

    assert "/issues" in notes(ImportError("cannot import name 'gone' from 'rushlight.nn'", name="rushlight.nn"))[0]
    assert "/issues" in notes(AttributeError("no attribute", name="gone", obj=rushlight.nn))[0]
    assert not notes(AttributeError("no attribute", name="gone", obj=[]))
    assert not notes(ImportError("cannot import name", name="numpy"))
    assert not notes(ValueError("other"))
