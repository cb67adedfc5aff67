"""The examples of PyTorch's page "Extending torch", as they stand there."""

from __future__ import annotations

import functools

from .programs import case


@case
def scalar_tensor(torch):
    HANDLED_FUNCTIONS = {}

    class ScalarTensor:
        def __init__(self, N, value):
            self._N = N
            self._value = value

        def __repr__(self):
            return f"ScalarTensor(N={self._N}, value={self._value})"

        def tensor(self):
            return self._value * torch.eye(self._N)

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if kwargs is None:
                kwargs = {}
            if func not in HANDLED_FUNCTIONS or not all(issubclass(t, (torch.Tensor, ScalarTensor)) for t in types):
                return NotImplemented
            return HANDLED_FUNCTIONS[func](*args, **kwargs)

    def implements(torch_function):
        """Register a torch function override for ScalarTensor"""

        def decorator(func):
            functools.update_wrapper(func, torch_function)
            HANDLED_FUNCTIONS[torch_function] = func
            return func

        return decorator

    @implements(torch.mean)
    def mean(input):
        return float(input._value) / input._N

    def ensure_tensor(data):
        if isinstance(data, ScalarTensor):
            return data.tensor()
        return torch.as_tensor(data)

    @implements(torch.add)
    def add(input, other):
        try:
            if input._N == other._N:
                return ScalarTensor(input._N, input._value + other._value)
            else:
                raise ValueError("Shape mismatch!")
        except AttributeError:
            return torch.add(ensure_tensor(input), ensure_tensor(other))

    d = ScalarTensor(5, 2)
    s = ScalarTensor(2, 2)
    found = [repr(d), d.tensor(), torch.mean(d), repr(torch.add(s, s)), torch.add(s, torch.tensor([[1, 1], [1, 1]]))]
    try:
        torch.mul(s, 3)
    except TypeError as error:
        found.append(str(error).splitlines()[0][:60])
    try:
        torch.nn.functional.dropout(s)
    except TypeError as error:
        found.append(str(error)[:50])
    return found


@case
def logging_tensor(torch):
    lines = []

    class LoggingTensor(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            # NOTE: Logging calls Tensor.__repr__, so we can't log __repr__ without infinite recursion
            if func is not torch.Tensor.__repr__:
                lines.append(f"func: {func.__name__}, args: {args!r}, kwargs: {kwargs!r}")
            if kwargs is None:
                kwargs = {}
            return super().__torch_function__(func, types, args, kwargs)

    class SubTensor(LoggingTensor):
        pass

    base_tensor = torch.tensor([1.0, 2.0])
    x = LoggingTensor(base_tensor)
    y = SubTensor([0.0])
    results = [type(y + base_tensor).__name__, type(LoggingTensor([0]) + SubTensor([0])).__name__, type(x + 1).__name__]
    return results, [line.split(",")[0] for line in lines]


@case
def metadata_tensor(torch):
    class MetadataTensor:
        def __init__(self, data, metadata=None, **kwargs):
            self._t = torch.as_tensor(data, **kwargs)
            self._metadata = metadata

        def __repr__(self):
            return f"Metadata:\n{self._metadata}\n\ndata:\n{self._t}"

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if kwargs is None:
                kwargs = {}
            metadatas = tuple(a._metadata for a in args if hasattr(a, "_metadata"))
            args = [getattr(a, "_t", a) for a in args]
            assert len(metadatas) > 0
            ret = func(*args, **kwargs)
            return MetadataTensor(ret, metadata=metadatas[0])

    metadata = {"owner": "Ministry of Silly Walks"}
    m = MetadataTensor([[1, 2], [3, 4]], metadata=metadata)
    t = torch.tensor([[1, 2], [1, 2]])
    return repr(torch.add(t, m)), repr(torch.mul(t, m)), repr(torch.transpose(m, 0, 1))


@case
def function_log(torch):
    lines = []

    class FunctionLog(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args, kwargs=None):
            lines.append(f"Function Log: {torch.overrides.resolve_name(func)} {len(args)}")
            return func(*args, **(kwargs or {}))

    def f():
        a = torch.rand(10, requires_grad=True)
        b = a * 2
        b.sum().backward()

    with FunctionLog():
        f()
    return lines


@case
def sub_tensor_results(torch):
    class SubTensor(torch.Tensor):
        pass

    return type(torch.add(SubTensor([0]), SubTensor([1]))).__name__


@case
def overriding_in_one_s_own_function(torch):
    class Foreign:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return "handled " + func.__name__

    def torch_my_function(input, other):
        if type(input) is not torch.Tensor and torch.overrides.has_torch_function((input,)):
            return torch.overrides.handle_torch_function(torch_my_function, (input,), input, other)
        return "plain"

    return torch_my_function(Foreign(), 1), torch_my_function(torch.ones(1), 1)


@case
def testing_overrides(torch):
    overrides = torch.overrides.get_testing_overrides()
    import inspect

    return (
        list(inspect.signature(overrides[torch.add]).parameters)[:2],
        overrides[torch.add](1, 2),
        list(torch.overrides.get_overridable_functions())[0].__name__.replace("rushlight", "torch"),
    )
