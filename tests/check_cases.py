"""Programs with `gradcheck` and `gradgradcheck` (see facts.py): every option, and what they say of wrong derivatives."""

from __future__ import annotations

import sys
import warnings

from facts import Programs

PROGRAMS = case = Programs("check")


def real(torch, *shape, **options):
    count = 1
    for extent in shape:
        count *= extent
    values = torch.linspace(0.5, 1.5, count, dtype=torch.float64).reshape(shape)
    return values.requires_grad_(options.get("requires_grad", True))


def module(torch):
    """The module whose place in `autograd` its function takes."""
    return sys.modules[f"{torch.__name__}.autograd.gradcheck"]


def function(torch, forward, backward, jvp=None, setup=None):
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if jvp is not None:
        members["jvp"] = staticmethod(jvp)
    if setup is not None:
        members["setup_context"] = staticmethod(setup)
    return type("Mine", (torch.autograd.Function,), members).apply


def attempt(torch, check, *args, **options):
    """What a check gives, or the type and the beginning of its error, with the warnings before it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = getattr(torch.autograd, check)(*args, **options)
        except Exception as error:
            found = [type(error).__name__, isinstance(error, module(torch).GradcheckError), summary(str(error))]
    said = [str(one.message) for one in caught if one.category is UserWarning]
    return found, [summary(message)[:90] for message in said if "vmap" not in message]


def summary(message):
    """The first sentence, without numbers that depend on how differences are taken."""
    message = message.strip()
    for mark in ("\n", "numerical:", " Mismatch", ". "):
        message = message.split(mark)[0]
    return message[:160]


def wrong(torch, factor=2.001):
    return function(torch, lambda ctx, x: x * 2, lambda ctx, g: g * factor)


def right(torch):
    return function(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2)


@case
def right_and_wrong(torch):
    found = {}
    for name, f in {
        "sin": torch.sin, "product": lambda x: x * x, "two_outputs": lambda x: (x.sin(), x.cos()),
        "list": lambda x: [x.sin(), x * 2], "constant": lambda x: torch.ones(3, dtype=torch.float64),
        "with_constant": lambda x: (x.sin(), torch.ones(2)), "integers": lambda x: (x.sin(), x.argmax()),
        "detached": lambda x: x.detach() * 2, "partly_detached": lambda x: x * x.detach(), "number": lambda x: 3.0,
        "none": lambda x: None, "with_none": lambda x: (x, None), "with_number": lambda x: (x * x, 3),
        "float32": lambda x: x.float() ** 2, "empty": lambda x: x[:0], "nothing": lambda x: (), "wrong": wrong(torch),
        "wrong_slightly": wrong(torch, 2.000001), "right": right(torch), "in_place": lambda x: (x * 2).mul_(3),
        "view": lambda x: x[1:], "identity": lambda x: x, "broken": lambda x: x.nothing(),
        "step": lambda x: x.round(), "kink": lambda x: (x - 1).abs(), "dictionary": lambda x: {"a": x},
    }.items():  # fmt: skip
        for option in ({}, {"fast_mode": True}, {"raise_exception": False}, {"check_forward_ad": True},
                       {"check_forward_ad": True, "check_backward_ad": False}, {"fast_mode": True, "check_forward_ad": True},
                       {"check_batched_grad": True}):  # fmt: skip
            found[f"{name} {option}"] = attempt(torch, "gradcheck", f, (real(torch, 3),), **option)
        for option in ({}, {"fast_mode": True}, {"check_fwd_over_rev": True}):
            found[f"{name} twice {option}"] = attempt(torch, "gradgradcheck", f, (real(torch, 3),), **option)
    # PyTorch fails where nothing is to be checked twice, and fast mode where types are mixed.
    return {key: value for key, value in found.items() if not key.startswith(("constant twice", "detached twice", "nothing twice"))
            and not (key.startswith("float32") and "fast" in key)}  # fmt: skip


@case
def inputs(torch):
    values = {
        "tensor": real(torch, 3), "tuple": (real(torch, 3),), "list": [real(torch, 3)],
        "two": (real(torch, 3), real(torch, 3)), "one_plain": (real(torch, 3), torch.ones(3, dtype=torch.float64)),
        "number": (real(torch, 3), 2.0), "plain": torch.ones(3), "only_number": 2.0, "nothing": (),
        "float32": torch.ones(3).requires_grad_(), "scalar": real(torch, 1).sum().detach().requires_grad_(),
        "expanded": (torch.ones(1, dtype=torch.float64).expand(3).detach().requires_grad_(),),
        "transposed": real(torch, 2, 3).detach().t().requires_grad_(), "strided": real(torch, 6).detach()[::2].requires_grad_(),
        "overlapping": torch.ones(5, dtype=torch.float64).as_strided((3, 3), (1, 1)).requires_grad_(),
        "empty": torch.zeros(0, dtype=torch.float64).requires_grad_(), "inner": real(torch, 3) * 1, "none": (real(torch, 3), None),
        "with_list": (real(torch, 3), [1, 2]),
    }  # fmt: skip

    def f(x, *more):
        total = x * x
        for one in more:
            if isinstance(one, (torch.Tensor, float)):
                total = total * one
        return total

    return {
        f"{name} {option}": attempt(torch, "gradcheck", f, value, **option)
        for name, value in values.items()
        for option in ({}, {"fast_mode": True}, {"check_forward_ad": True}, {"eps": 1e-3, "atol": 1e-2})
    }


@case
def complex_numbers(torch):
    z = torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128, requires_grad=True)
    x = real(torch, 2)
    found = {}
    for name, f, given in (
        ("holomorphic", lambda z: z * z, z), ("conj", lambda z: z.conj() * z, z), ("to_real", lambda z: z.real * z.imag, z),
        ("to_complex", lambda x: torch.complex(x, x * x), x), ("abs", lambda z: z.abs(), z), ("both", lambda z, x: z * x, (z, x)),
        ("wrong_conj", function(torch, lambda ctx, z: z * (1 + 2j), lambda ctx, g: g * (1 + 2j)), z),
        ("wrong_real", function(torch, lambda ctx, x: x * (1 + 2j), lambda ctx, g: (g * 3).real), x),
        ("wrong_to_real", function(torch, lambda ctx, z: z.real * 2, lambda ctx, g: g * (2 + 1j)), z),
    ):  # fmt: skip
        for option in ({}, {"fast_mode": True}, {"check_forward_ad": True}, {"check_batched_grad": True}):
            found[f"{name} {option}"] = attempt(torch, "gradcheck", f, given, **option)
        found[f"{name} twice"] = attempt(torch, "gradgradcheck", f, given)
    return found


@case
def not_deterministic(torch):
    count = [0]

    def backward(ctx, g):
        count[0] += 1
        return g * (2 + 1e-7 * (count[0] % 2))

    f = function(torch, lambda ctx, x: x * 2, backward)
    return [attempt(torch, "gradcheck", f, real(torch, 3), **option)
            for option in ({}, {"nondet_tol": 1e-5}, {"fast_mode": True}, {"fast_mode": True, "nondet_tol": 1e-5})]  # fmt: skip


@case
def undefined_gradients(torch):
    def backward(ctx, *g):
        return sum((one if one is not None else torch.ones(3, dtype=torch.float64)) for one in g)

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x.clone(), x.clone()

    def strict(ctx, *g):
        return g[0] + g[1]

    return [
        attempt(torch, "gradcheck", function(torch, first, second), real(torch, 3), **option)
        for first, second in ((forward, backward), (forward, strict))
        for option in ({}, {"check_undefined_grad": False})
    ]


@case
def not_multiplied_by_the_cotangent(torch):
    f = function(torch, lambda ctx, x: x * 2, lambda ctx, g: torch.full_like(g, 2.0))
    return [attempt(torch, "gradcheck", f, real(torch, *shape), **option)
            for shape in ((1,), (3,)) for option in ({}, {"fast_mode": True})]  # fmt: skip


@case
def wrong_shapes_and_types(torch):
    fs = (
        function(torch, lambda ctx, x: x * 2, lambda ctx, g: (g * 2).float()),
        function(torch, lambda ctx, x: x * 2, lambda ctx, g: (g * 2)[:1]),
        function(torch, lambda ctx, x: x * 2, lambda ctx, g: None),
    )
    return [attempt(torch, "gradcheck", f, real(torch, 3), **option)
            for f in fs for option in ({}, {"check_grad_dtypes": True}, {"fast_mode": True})]  # fmt: skip


@case
def wrong_tangents(torch):
    def setup(ctx, inputs, output):
        pass

    found = []
    for jvp in (lambda ctx, t: t * 2, lambda ctx, t: t * 3, lambda ctx, t: t.detach() * 0):
        f = function(torch, lambda x: x * 2, lambda ctx, g: g * 2, jvp, setup)
        for option in ({}, {"check_forward_ad": True}, {"check_forward_ad": True, "fast_mode": True},
                       {"check_forward_ad": True, "check_backward_ad": False}, {"check_forward_ad": True, "raise_exception": False},
                       {"check_forward_ad": True, "check_undefined_grad": False}):  # fmt: skip
            found.append(attempt(torch, "gradcheck", f, real(torch, 3), **option))
    return found


@case
def batches(torch):
    def asks(ctx, g):
        return g * 2 if g.sum().item() < 1e9 else g

    def setup(ctx, inputs, output):
        pass

    backward = function(torch, lambda ctx, x: x * 2, asks)
    jvp = function(torch, lambda x: x * 2, lambda ctx, g: g * 2, asks, setup)
    product = lambda x, y: x * y  # noqa: E731
    forward = {"check_rev_over_rev": False, "check_undefined_grad": False, "check_fwd_over_rev": True}
    x, y = real(torch, 3), real(torch, 3)
    return [
        attempt(torch, "gradcheck", backward, x, check_batched_grad=True)[0][:2], attempt(torch, "gradcheck", backward, x),
        attempt(torch, "gradcheck", backward, x, check_batched_grad=True, raise_exception=False),
        attempt(torch, "gradcheck", jvp, x, check_forward_ad=True, check_batched_forward_grad=True)[0][:2],
        attempt(torch, "gradcheck", jvp, x, check_forward_ad=True),
        attempt(torch, "gradcheck", product, (x, y), check_forward_ad=True, check_batched_forward_grad=True),
        attempt(torch, "gradgradcheck", torch.sin, x, **forward),
        attempt(torch, "gradgradcheck", torch.sin, x, check_batched_grad=True, **forward),
    ]


@case
def no_jvp(torch):
    return attempt(torch, "gradcheck", right(torch), real(torch, 3), check_forward_ad=True)


@case
def options_that_exclude_each_other(torch):
    choices = [
        {"check_forward_ad": False, "check_backward_ad": False}, {"check_batched_grad": True, "check_backward_ad": False},
        {"check_batched_forward_grad": True}, {"check_batched_forward_grad": True, "check_forward_ad": True}, {"masked": True},
        {"masked": False}, {"check_sparse_nnz": True},
    ]  # fmt: skip
    found = [attempt(torch, "gradcheck", torch.sin, real(torch, 3), **option) for option in choices]
    found += [attempt(torch, "gradgradcheck", torch.sin, real(torch, 3), check_rev_over_rev=False)]
    return found


@case
def second_derivatives(torch):
    def cube_backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x.detach() ** 2

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    broken = function(torch, forward, cube_backward)
    x = real(torch, 3)
    return [
        attempt(torch, "gradcheck", broken, x), attempt(torch, "gradgradcheck", broken, x),
        attempt(torch, "gradgradcheck", broken, x, fast_mode=True),
        attempt(torch, "gradgradcheck", broken, x, raise_exception=False),
        attempt(torch, "gradgradcheck", torch.sin, x, torch.ones(3, dtype=torch.float64)),
        attempt(torch, "gradgradcheck", torch.sin, x, (torch.ones(3, dtype=torch.float64, requires_grad=True),)),
        attempt(torch, "gradgradcheck", torch.sin, x, gen_non_contig_grad_outputs=True),
        attempt(torch, "gradgradcheck", torch.sin, x, check_fwd_over_rev=True, check_rev_over_rev=False),
        attempt(torch, "gradgradcheck", torch.sin, x, check_batched_grad=True, check_grad_dtypes=True),
        attempt(torch, "gradgradcheck", lambda x: x * 2, x), attempt(torch, "gradgradcheck", lambda x: x.sum(), x),
        attempt(torch, "gradgradcheck", torch.sin, torch.ones(3)),
    ]  # fmt: skip


@case
def positional_options(torch):
    return attempt(torch, "gradcheck", torch.sin, real(torch, 3), 1e-6), attempt(torch, "gradcheck")


@case
def the_inputs_are_left_alone(torch):
    x = real(torch, 3)
    before = x.detach().clone()
    torch.autograd.gradcheck(lambda x: x * x, x, check_forward_ad=True, check_batched_grad=True)
    return torch.equal(x.detach(), before), x.grad, x.requires_grad, x.is_leaf


@case
def names(torch):
    g = module(torch)
    return [issubclass(g.GradcheckError, RuntimeError), g.gradcheck is torch.autograd.gradcheck, g.gradcheck.__name__,
            g.gradgradcheck is torch.autograd.gradgradcheck]  # fmt: skip
