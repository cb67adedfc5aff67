"""Op: the record of one operation, from which its node class, derivative code and forms follow.

A rule's parameter names say what is saved for backward:

- a tensor input by its own name, or `x` and `y` for the first two; `out`, the result (a tuple where there are several);
- `x_shape`, `weight_shape`, ...: only the shape; `x_dtype`, ...: only the type; `needs`: which inputs need a cotangent;
- `residuals`: what a fused forward returned besides its result;
- anything else: an argument of the call, such as `dim`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.graph import FREED, Node, OutputStub, edge_of
from . import rules as rule_code

ALIASES = {
    "axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other", "split_size": "split_size_or_sections",
}  # fmt: skip
PLACES = {"input": 0, "input2": 1, "input3": 2}  # PyTorch's names of parameters that have better ones here


class _Missing:
    """Stands for an argument that was not given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


class Op:
    """One operation.

    `forward` computes on arrays; its parameters annotated `Array` are the tensor inputs. `rules` has, per differentiable input,
    what the kind of op asks for: a partial derivative (pointwise), or a cotangent. `joint` instead gives all cotangents at once.
    """

    def __init__(
        self,
        name: str,
        forward: Callable,
        kind: str,
        rules: tuple = (),
        *,
        inputs: tuple[str, ...] | None = None,
        joint: Callable | None = None,
        composite: Callable | None = None,
        node: str | Callable | None = None,
        differentiable: bool = True,
        method: bool = True,
        inplace: bool | Callable = False,
        view: bool = False,
        broadcasts: bool = False,
        addend: Callable | None = None,
        leading: int | None = None,
        variadic: str | None = None,
        returns: Callable | None = None,
        result: str = "same",
        accepts: str = "bifc",
        numbers: str = "both",
        refusals: dict[str, tuple] | None = None,
        samples: Callable | None = None,
        domain: tuple[float, float] = (-2.0, 2.0),
        arguments: Callable | None = None,
        doc: str | None = None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.kind = kind
        self.rules = rules
        self.joint = joint
        self.composite = composite
        self.node = node
        self.differentiable = differentiable
        self.method = method
        self.inplace = inplace  # a function of forward's signature, if any, writes into its first array
        self.view = view
        self.leading = leading  # with a joint rule: it gives cotangents for that many inputs only, the first
        self.broadcasts = broadcasts  # cotangents are in the shape of the result, or otherwise larger than the inputs
        self.addend = addend  # of a bilinear op that adds its third input: that one's tangent as part of the output's
        self.variadic = variadic
        self.returns = returns
        self.result = result
        self.numbers = numbers  # of an op that broadcasts: which operands may be Python numbers: "both", "second" or "none"
        self.accepts = accepts  # of a pointwise op: initials of the kinds of type (bool, integer, floating, complex) that it takes
        self.refusals = refusals or {}  # PyTorch's error by the kind refused, where it has a special one
        self.samples = samples
        self.domain = domain
        self.arguments = arguments  # turns (args, kwargs) of a call into what `forward` takes
        self.doc = doc
        self.operator: tuple[str, Callable] | None = None
        self.function: Any = None
        self.shown: Callable | None = None  # the numbers of the inputs in the order of PyTorch's node, where it is another
        self.public: Callable | None = None  # of an op behind a function of another signature: that function and its arguments
        annotations = getattr(forward, "__annotations__", {})
        if inputs is None:
            code = forward.__code__
            names = code.co_varnames[: code.co_argcount]
            inputs = tuple(name for name in names if "Array" in str(annotations.get(name, "")))
            self.positions = tuple(names.index(name) for name in inputs)
        else:
            self.positions = tuple(range(len(inputs)))
        self.inputs = inputs
        # A list of tensors as the first argument (cat, stack) makes every tensor of the list an input.
        self.takes_list = bool(inputs) and "Sequence" in str(annotations.get(inputs[0], ""))
        self._saves: dict[tuple[bool, ...], tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"Op({self.name!r}, {self.kind})"

    def __getattr__(self, name: str) -> Any:
        # Made on first use: importing hundreds of ops makes no class and compiles no code.
        make = {
            "bind": rule_code.make_binder,
            "signature": rule_code.Signature,
            "needed": rule_code.needed_names,
            "node_class": make_node_class,
            "complex_node_class": make_complex_node_class,
            "within": path_within,
            "into": writer,
        }.get(name)
        if make is None:
            raise AttributeError(name)
        value = make(self)
        setattr(self, name, value)
        return value

    def is_optional(self, name: str) -> bool:
        """Whether None may stand for a tensor input."""
        return "None" in str(getattr(self.forward, "__annotations__", {}).get(name, ""))

    def saves(self, needs: tuple[bool, ...]) -> tuple[str, ...]:
        """The tensor inputs that the rules of the inputs in need of a cotangent name."""
        names = self._saves.get(needs)
        if names is None:
            names = self._saves[needs] = rule_code.saved_inputs(self, needs)
        return names

    def specialize(self, node: Node) -> None:
        """Gives a node the class with PyTorch's name for the way the op was called; the name matters only when somebody looks."""
        if callable(self.node) and "node_name" not in node.__dict__:
            name = self.node(node, *node.args, **node.kwargs) if rule_code.names_by_call(self.node) else self.node(node)
            renamed(node, name)


_variants: dict[tuple[type, str], type] = {}


def renamed(node: Node, name: str) -> None:
    """Gives a node for good the class of its own class's making that has another name."""
    node.__dict__["node_name"] = name
    base = type(node)
    if name != base.__name__:
        if (base, name) not in _variants:
            _variants[base, name] = type(name, (base,), {"__slots__": (), "__module__": base.__module__})
        node.__class__ = _variants[base, name]


def default_node_name(name: str) -> str:
    """PyTorch's name for an op's node: `log_softmax` gives LogSoftmaxBackward0, `log1p` Log1PBackward0."""
    words, after_digit = [], True
    for letter in name.strip("_"):
        if letter in "_.":
            after_digit = True
            continue
        words.append(letter.upper() if after_digit else letter)
        after_digit = letter.isdigit()
    return "".join(words) + "Backward0"


def make_node_class(op: Op, complex_numbers: bool = False) -> type[Node]:
    """The node class of an op: slots for what its rules name, and its derivative, compiled on first use."""
    name = op.node if isinstance(op.node, str) else default_node_name(op.name)

    def vjp(self: Node, g: Any, keep: bool) -> tuple:
        compiled.vjp = rule_code.compile_vjp(op, False, complex_numbers)
        return compiled.vjp(self, g, keep)

    def vjp_recorded(self: Node, g: Any, keep: bool) -> tuple:
        compiled.vjp_recorded = rule_code.compile_vjp(op, True, complex_numbers)
        return compiled.vjp_recorded(self, g, keep)

    members = {"op": op, "vjp": vjp, "vjp_recorded": vjp_recorded, "__slots__": op.needed.slots, "__module__": "rushlight.autograd"}
    compiled: Any = type(name, (Node,), members)
    return compiled


def path_within(op: Op) -> Callable:
    """The path of an op within vmap and forward mode."""
    from .within import path_within

    return path_within(op)


def differentiated(op: Op) -> range:
    """The numbers of the inputs that have a rule."""
    whole = op.joint is not None or op.composite is not None
    return range((op.leading or len(op.inputs)) if whole else max(len(op.rules), 1))


def writer(op: Op) -> Callable | None:
    """The function that computes an op into its first array, of the result's type; None where the op has none."""
    if callable(op.inplace):
        return op.inplace if op.arguments is None else None
    forward: Any = op.forward
    if op.kind != "pointwise" or op.result == "bool" or not op.differentiable:
        return None
    if hasattr(forward, "nin"):  # a ufunc
        return lambda array, *operands: forward(array, *operands, out=array)

    def write(array: Any, *operands: Any, **options: Any) -> None:
        result = forward(array, *operands, **options)
        if result.shape != array.shape:
            raise ValueError("the operands stretch the result")
        array[...] = result

    return write


def make_complex_node_class(op: Op) -> type[Node]:
    """The node class for complex operands, whose derivatives are conjugated."""
    return make_node_class(op, complex_numbers=True)


def saved_tensor(node: Node, name: str) -> Any:
    """A saved input as a tensor with the history that it had when the op ran."""
    from ..tensor import wrap

    tensor = getattr(node, name)
    if tensor is FREED:
        return tensor
    if tensor is None:
        return None
    if isinstance(tensor, tuple):
        return tuple(_with_edge(one, edge, wrap) for one, edge in zip(tensor, node.edges, strict=True))
    index = node.op.inputs.index(name)
    return _with_edge(tensor, node.edges[index], wrap) if index < len(node.edges) else tensor


def _with_edge(tensor: Any, edge: Any, wrap: Callable) -> Any:
    made_by = edge_of(tensor)
    converted = isinstance(made_by, Node) and made_by.edges == (edge,) and getattr(made_by.op, "name", "") == "to_dtype"
    if made_by is edge or converted:
        return tensor  # as it was, or converted when it was saved: then its history leads through the conversion
    if edge is not None and not isinstance(edge, (Node, OutputStub)):
        return edge  # the leaf itself
    original = wrap(tensor._array)
    original._node = edge
    return original


def saved_result(node: Node) -> Any:
    """A saved result as a tensor with its history; a tuple of them for an op with several."""
    from ..tensor import wrap

    tangents = node.__dict__.get("out_tangents", {})
    made_by = node.__dict__.get("original", node)  # of a copy whose saved tensors were unpacked

    def remake(array: Any, index: int) -> Any:
        if array is None:
            return None
        tensor = wrap(array)
        if array.dtype.kind in "fcV":
            tensor._node = made_by if node._outputs is None else OutputStub(made_by, index)
            if index in tangents:
                tensor._tangents = tangents[index]
        return tensor

    out = node.out  # type: ignore[attr-defined]
    return tuple(map(remake, out, range(len(out)))) if isinstance(out, tuple) else remake(out, 0)
