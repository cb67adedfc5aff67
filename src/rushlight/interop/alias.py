"""`import torch` that gives Rushlight: every module of ours stands in `sys.modules` under both names.

`torch` is the module `rushlight` and `torch.a.b` is `rushlight.a.b`, the same objects, so that a class is one class
whichever way it was imported. A meta-path finder answers for modules that are not loaded yet, and a folder on
`sys.path` brings the alias to the worker processes that multiprocessing spawns.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution, DistributionFinder

OURS = __name__.partition(".")[0]
THEIRS = "torch"
WORKERS = os.path.join(os.path.dirname(__file__), "workers")
TORCH_VERSION = "2.13.0"
HOW_TO_REPORT = "If your program needs it, please tell us at https://github.com/rushlight/rushlight/issues"


def install_as_torch() -> None:
    """Make `import torch`, and every `torch.x.y`, give Rushlight's own modules; a second call changes nothing.

    Raises RuntimeError if PyTorch itself is loaded already: one program cannot hold both under one name.
    """
    loaded = sys.modules.get(THEIRS)
    if loaded is not None and loaded is not sys.modules[OURS]:
        raise RuntimeError(
            f"install_as_torch() found another torch already loaded, from {getattr(loaded, '__file__', None)}. "
            "Call it before the first import of torch, or start the program with `rushlight program.py`"
        )
    if _finder not in sys.meta_path:
        # First, for the ordinary path finder would load a second copy of each file under its torch name.
        sys.meta_path.insert(0, _finder)
    if WORKERS not in sys.path:
        sys.path.insert(1, WORKERS)  # after the program's own folder, before an installed PyTorch
    package: Any = sys.modules[OURS]
    if "+rushlight" not in package.__version__:
        # Programs ask torch.__version__ what they may use: they are told the PyTorch whose behaviour they get.
        package.__version__ = f"{TORCH_VERSION}+rushlight{package.__version__}"
    _mirror()


def uninstall() -> None:
    """Undo `install_as_torch`: `import torch` looks for PyTorch again. What was imported already stays as it is."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        package: Any = sys.modules[OURS]
        package.__version__ = package.__version__.partition("+rushlight")[2]
        sys.path[:] = [folder for folder in sys.path if folder != WORKERS]
        for name in [name for name in sys.modules if _renamed(name, THEIRS, OURS)]:
            del sys.modules[name]


def explain(error: BaseException) -> None:
    """Note on an error that Python itself worded, if a name or module that we lack caused it, how to report it."""
    if isinstance(error, ImportError):
        origin = error.name or ""
    elif isinstance(error, AttributeError):
        origin = error.obj.__name__ if isinstance(error.obj, ModuleType) else type(error.obj).__module__
    else:
        return
    if origin.partition(".")[0] in (OURS, THEIRS) and HOW_TO_REPORT not in str(error):
        error.add_note(f"Rushlight stands in for torch here. {HOW_TO_REPORT}")


def _renamed(name: str, old: str, new: str) -> str | None:
    """`name` with its first part changed from `old` to `new`; None if that is not its first part."""
    first, dot, rest = name.partition(".")
    return new + dot + rest if first == old else None


def _mirror() -> None:
    """Enter every loaded module of ours under its torch name too."""
    for name, module in list(sys.modules.items()):
        alias = _renamed(name, OURS, THEIRS)
        if alias is not None and sys.modules.get(alias) is not module:
            sys.modules[alias] = module
            _say_what_is_missing(module, alias)


def _say_what_is_missing(module: ModuleType, alias: str) -> None:
    """Give `module` a `__getattr__` whose error speaks of torch's name; a lazy one of its own is asked first."""
    lazy = vars(module).get("__getattr__")
    if getattr(lazy, "__module__", None) == __name__:
        return

    def __getattr__(name: str) -> Any:
        if lazy is not None:
            try:
                value = lazy(name)
            except AttributeError as error:
                if error.name not in (None, name):  # a fault inside what was loaded, not a missing name
                    raise
            else:
                if isinstance(value, ModuleType):
                    _mirror()
                return value
        message = f"module '{alias}' has no attribute '{name}': Rushlight has no {alias}.{name}. {HOW_TO_REPORT}"
        raise AttributeError(message, name=name, obj=module) from None

    module.__getattr__ = __getattr__  # type: ignore[method-assign]


class _Finder:
    """Finds and loads `torch.a.b` by importing `rushlight.a.b`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        ours = _renamed(name, THEIRS, OURS)
        if ours is None:
            return None
        spec = find_spec(ours)
        if spec is None:
            raise ModuleNotFoundError(f"Rushlight has no module {name}. {HOW_TO_REPORT}", name=name)
        is_package = spec.submodule_search_locations is not None
        loader: Any = self  # by its methods; importlib.abc is not worth importing
        return ModuleSpec(name, loader, origin=spec.origin, loader_state=ours, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(spec.loader_state)
        _mirror()
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just put the alias's spec on our module, whose relative imports need its own.
        alias: Any = module.__spec__
        module.__spec__ = alias.loader_state

    def find_distributions(self, context: DistributionFinder.Context) -> Iterator[Distribution]:
        """Let `importlib.metadata.version("torch")` agree with `torch.__version__`."""
        if context.name == THEIRS:
            from importlib.metadata import Distribution

            class Alias(Distribution):
                def read_text(self, filename: str) -> str | None:
                    version = sys.modules[OURS].__version__
                    return f"Name: {THEIRS}\nVersion: {version}\n" if filename == "METADATA" else None

                def locate_file(self, path: Any) -> Any:
                    return path

            yield Alias()


_finder = _Finder()
