"""Handlers: what they may do, foreign objects, modes, and the functions of `torch.overrides`."""

from __future__ import annotations

from .programs import case, classes, logging_class


@case
def a_handler_that_declines(torch):
    class Declining(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    try:
        torch.add(torch.ones(1).as_subclass(Declining), 1)
    except TypeError as error:
        return str(error).splitlines()[0]


@case
def a_handler_that_raises(torch):
    class Raising(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise ValueError("no")

    return torch.ones(1).as_subclass(Raising) + 1


@case
def a_handler_that_is_no_class_method(torch):
    class Foreign:
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func.__name__, len(types), dict(kwargs or {})

    return torch.add(torch.ones(1), Foreign()), torch.add(Foreign(), 1, alpha=2)


@case
def types_are_of_overriding_arguments_only(torch):
    seen = []

    class Noting(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append([t.__name__ for t in types])
            return super().__torch_function__(func, types, args, kwargs)

    class Deeper(Noting):
        pass

    a, b = torch.ones(1).as_subclass(Noting), torch.ones(1).as_subclass(Deeper)
    a + torch.ones(1)
    a + b
    b + a
    torch.cat([a, b, torch.ones(1)])
    torch.add(a, torch.nn.Parameter(torch.ones(1)))
    return seen


@case
def wrapper_without_inheritance(torch):
    class Wrapper:
        def __init__(self, data):
            self.data = data

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            def unwrap(a):
                return a.data if isinstance(a, Wrapper) else a

            return Wrapper(func(*map(unwrap, args), **{k: unwrap(v) for k, v in (kwargs or {}).items()}))

    w = Wrapper(torch.tensor([1.0, 2.0], requires_grad=True))
    y = torch.nn.functional.relu(torch.mul(torch.add(w, 1), torch.ones(2)))
    z = torch.ones(2) * w
    torch.sum(z).data.backward()
    return y.data.detach(), z.data.detach(), w.data.grad


@case
def overrides_module(torch):
    o = torch.overrides

    def mine(x):
        if o.has_torch_function_unary(x):
            return o.handle_torch_function(mine, (x,), x)
        return "plain"

    Plain = logging_class(torch, [])
    x = torch.ones(1).as_subclass(Plain)
    return [
        mine(torch.ones(1)),
        o.has_torch_function((x,)),
        o.has_torch_function((1, None)),
        o.has_torch_function_variadic(1, x),
        o.has_torch_function_variadic(1, 2),
        o.has_torch_function_unary(torch.ones(1)),
        o.resolve_name(torch.Tensor.add),
        o.resolve_name(torch.add),
        o.resolve_name(torch.nn.functional.relu),
        o.resolve_name(torch.Tensor.shape.__get__),
        o.resolve_name(torch.Tensor.grad.__set__),
        o.is_tensor_method_or_property(torch.Tensor.add),
        o.is_tensor_method_or_property(torch.add),
        o.is_tensor_method_or_property(torch.Tensor.shape.__get__),
        torch.add in o.get_overridable_functions()[torch],
        torch.Tensor.add in o.get_overridable_functions()[torch.Tensor],
        torch.add in o.get_testing_overrides(),
        callable(o.get_testing_overrides()[torch.add]),
        torch.zeros in o.get_ignored_functions(),
        torch.is_tensor in o.get_ignored_functions(),
        torch.Tensor.add is not torch.add,
        torch.nn.functional.relu in o.get_testing_overrides(),
    ]


@case
def wrap_torch_function(torch):
    o = torch.overrides

    @o.wrap_torch_function(lambda a: (a,))
    def func(a):
        return "plain"

    class Foreign:
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return function is func, len(args), [t.__name__ for t in types]

    return func(1), func(Foreign())


@case
def redispatch(torch):
    log = []
    inner, outer = (
        type(
            "M",
            (torch.overrides.TorchFunctionMode,),
            {
                "__torch_function__": lambda self, func, types, args=(), kwargs=None, n=n: (
                    log.append([n, torch.overrides.resolve_name(func)]),
                    func(*args, **(kwargs or {})),
                )[1]
            },
        )()
        for n in ("inner", "outer")
    )
    with outer, inner:
        torch.add(torch.ones(1), 1)
        with inner:
            torch.ones(1)
    return log


@case
def a_mode_may_replace_properties(torch):
    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.Tensor.shape.__get__ or func == torch.Tensor.shape.__get__:
                return "shape"
            if func is torch.Tensor.size:
                return "size"
            if func is torch.Tensor.__len__:
                return "length"
            return func(*args, **(kwargs or {}))

    x = torch.ones(2, 3)
    with Mode():
        found = [x.shape, x.size()]
    return found, x.shape, x.size()


@case
def a_mode_that_declines(torch):
    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return NotImplemented

    try:
        with Mode():
            torch.zeros(2)
    except TypeError as error:
        return str(error).splitlines()[0][:60]


@case
def modes_and_errors(torch):
    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    try:
        with Mode():
            torch.ones(2) + torch.ones(3)
    except RuntimeError as error:
        return str(error), torch.ones(1).shape


@case
def an_abstract_mode(torch):
    try:
        with torch.overrides.TorchFunctionMode():
            torch.ones(1)
    except NotImplementedError:
        return "abstract"


@case
def base_mode(torch):
    with torch.overrides.BaseTorchFunctionMode() as mode:
        return torch.ones(1), type(mode).__name__


@case
def mode_arguments(torch):
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __init__(self, tag):
            self.tag = tag

        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(
                [self.tag, func.__name__, [t.__name__ for t in types], len(args), sorted((kwargs or {}).keys() - {"inplace"})]
            )
            return func(*args, **(kwargs or {}))

    Plain, _, _ = classes(torch)
    with Mode("a"):
        torch.zeros(2, dtype=torch.float64)
        x = torch.ones(2).as_subclass(Plain)
        torch.add(x, 1)
        torch.nn.functional.relu(x)
    return seen


@case
def a_mode_changes_factories(torch):
    class Double(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = dict(kwargs or {})
            if func in (torch.zeros, torch.ones, torch.rand, torch.tensor, torch.arange):
                kwargs.setdefault("dtype", torch.float64)
            return func(*args, **kwargs)

    with Double():
        made = [torch.zeros(1), torch.ones(1), torch.tensor([1]), torch.arange(3), torch.empty(1)]
    return [str(x.dtype) for x in made]


@case
def modes_do_not_outlive_backward(torch):
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(torch.overrides.resolve_name(func))
            return func(*args, **(kwargs or {}))

    x = torch.ones(2, requires_grad=True)
    with Mode():
        y = (x * x).sum()
        y.backward()
        assert x.grad is not None
    return seen, x.grad


@case
def wrapper_subclass(torch):
    class Wrapped(torch.Tensor):
        @staticmethod
        def __new__(cls, inner):
            made = torch.Tensor._make_wrapper_subclass(cls, inner.size(), dtype=inner.dtype, requires_grad=inner.requires_grad)
            made.inner = inner
            return made

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func in (torch.add, torch.Tensor.add):
                return "added"
            return super().__torch_function__(func, types, args, kwargs)

    w = Wrapped(torch.ones(2, 3, dtype=torch.float64))
    return list(w.shape), str(w.dtype), w.requires_grad, torch.add(w, 1), w + 1, type(w).__name__
