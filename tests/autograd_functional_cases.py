"""Programs with `autograd.functional` (see facts.py): every function of it on many kinds of functions, inputs and options."""

from __future__ import annotations

import itertools

from facts import Programs

PROGRAMS = case = Programs("autograd_functional")


def named(name, program):
    """Collects a program under a name, unless PyTorch is known to do something else."""
    if name in APART:
        return

    def shown_program(torch):
        return shown(torch, program(torch))

    shown_program.__name__ = name
    case(shown_program)


def shown(torch, result):
    """The elements of tensors, and whether they have a history; not by which operations."""
    if isinstance(result, (tuple, list)):
        return [shown(torch, one) for one in result]
    if not isinstance(result, torch.Tensor):
        return result
    elements = torch.view_as_real(result.detach().resolve_conj()) if result.is_complex() else result.detach()
    return [elements.tolist(), result.requires_grad, str(result.dtype)]


def vector(torch, *values, **options):
    return torch.tensor(values or (1.0, 2.0, 3.0), dtype=torch.float64, **options)


# What is differentiated: the inputs, and the function of `torch` and these.
INPUTS = {
    "plain": lambda torch: vector(torch),
    "leaf": lambda torch: vector(torch, requires_grad=True),
    "inner": lambda torch: vector(torch, requires_grad=True) * 2,
    "scalar": lambda torch: torch.tensor(2.0, dtype=torch.float64),
    "one_element": lambda torch: vector(torch, 2.0).reshape(1, 1),
    "empty": lambda torch: torch.zeros(0, dtype=torch.float64),
    "tuple_of_one": lambda torch: (vector(torch),),
    "integers": lambda torch: torch.tensor([1, 2]),
    "complex": lambda torch: torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128),
}  # fmt: skip
PAIRS = {
    "pair": lambda torch: (vector(torch), vector(torch, 4.0, 5.0, 6.0)),
    "leaf_and_plain": lambda torch: (vector(torch, requires_grad=True), vector(torch, 4.0, 5.0, 6.0)),
    "mixed_types": lambda torch: (vector(torch), torch.tensor([4.0, 5.0, 6.0])),
}
FUNCTIONS = {
    "cube": lambda torch: lambda x: x**3,
    "total": lambda torch: lambda x: (x**3).sum(),
    "linear": lambda torch: lambda x: (x * 2).sum(),
    "constant": lambda torch: lambda x: torch.ones(3, dtype=torch.float64),
    "constant_number": lambda torch: lambda x: torch.ones((), dtype=torch.float64),
    "identity": lambda torch: lambda x: x,
    "detached": lambda torch: lambda x: (x.detach() ** 2).sum(),
    "one_element": lambda torch: lambda x: (x**2).sum().reshape(1, 1),
    "two_outputs": lambda torch: lambda x: (x**2, x.sum()),
    "tuple_of_one": lambda torch: lambda x: ((x**2).sum(),),
    "list": lambda torch: lambda x: [x, x],
    "number": lambda torch: lambda x: 3.0,
    "integers": lambda torch: lambda x: x.detach().abs().long(),
    "one_constant": lambda torch: lambda x: (x * x, torch.ones(2)),
    "to_complex": lambda torch: lambda x: x * (1 + 2j),
    "in_place": lambda torch: lambda x: (x * 2).pow_(2).sum(),
    "of_no_grad": lambda torch: lambda x: no_grad_square(torch, x),
    "float32": lambda torch: lambda x: (x**2).sum().float(),
    "broken": lambda torch: lambda x: x.no_such_method(),
}
OF_TWO = {
    "product": lambda torch: lambda x, y: x * y,
    "total": lambda torch: lambda x, y: (x * x * y).sum(),
    "first_only": lambda torch: lambda x, y: (x**3).sum(),
    "linear_in_second": lambda torch: lambda x, y: (x**3).sum() + y.sum(),
    "several": lambda torch: lambda x, y: (x * y, y.sum(), x),
}
OPTIONS = {
    "": {}, "create_graph": {"create_graph": True}, "strict": {"strict": True},
    "strict_create_graph": {"strict": True, "create_graph": True},
}  # fmt: skip


def no_grad_square(torch, x):
    with torch.no_grad():
        return x * x


def subjects():
    """Names, inputs and functions to try, each with the usual other."""
    for name in FUNCTIONS:
        yield f"{name}_of_plain", INPUTS["plain"], FUNCTIONS[name]
    for name in ("leaf", "inner", "scalar", "one_element", "empty", "tuple_of_one", "integers", "complex"):
        for function in ("cube", "total"):
            yield f"{function}_of_{name}", INPUTS[name], FUNCTIONS[function]
    for inputs, function in itertools.product(PAIRS, OF_TWO):
        if inputs == "pair" or function == "total":
            yield f"{function}_of_{inputs}", PAIRS[inputs], OF_TWO[function]


def ones_like(torch, value):
    """The vector of ones that fits a value, which may be a tuple."""
    if isinstance(value, (tuple, list)):
        return tuple(ones_like(torch, one) for one in value)
    return torch.ones_like(value) if isinstance(value, torch.Tensor) else torch.ones(())


def product(name, inputs, function, options):
    def program(torch):
        given, f = inputs(torch), function(torch)
        v = ones_like(torch, f(*given) if isinstance(given, tuple) else f(given)) if name == "vjp" else ones_like(torch, given)
        return getattr(torch.autograd.functional, name)(f, given, v, **options)

    return program


def matrix(name, inputs, function, options):
    def program(torch):
        return getattr(torch.autograd.functional, name)(function(torch), inputs(torch), **options)

    return program


VECTORIZED = {
    "vectorize": {"vectorize": True}, "vectorize_create_graph": {"vectorize": True, "create_graph": True},
    "vectorize_strict": {"vectorize": True, "strict": True},
}  # fmt: skip
FORWARD = {"forward": {"vectorize": True}, "forward_strict": {"vectorize": True, "strict": True},
           "forward_create_graph": {"vectorize": True, "create_graph": True}}  # fmt: skip
# PyTorch names the number of the output, in words for an input; it fails on empty tensors; it says "the function given to None".
APART = {
    *(f"jacobian_{subject}_strict_create_graph" for subject in ("two_outputs_of_plain", "linear_in_second_of_pair")),
    *(f"{name}_{subject}_of_empty_{option}" for name, subject in (("jacobian", "cube"), ("hessian", "total"))
      for option in (*OPTIONS, *VECTORIZED, "forward")), "jacobian_total_of_empty_forward",
    *(f"jacobian_{subject}_of_plain_forward" for subject in ("list", "number")),
}  # fmt: skip

for subject, inputs, function in subjects():
    for option, options in OPTIONS.items():
        for name in ("vjp", "jvp", "vhp", "hvp"):
            named(f"{name}_{subject}_{option}", product(name, inputs, function, options))
    for name, strategy in (("jacobian", "strategy"), ("hessian", "outer_jacobian_strategy")):
        for option, options in (OPTIONS | VECTORIZED).items():
            named(f"{name}_{subject}_{option}", matrix(name, inputs, function, options))
        for option, options in FORWARD.items():
            named(f"{name}_{subject}_{option}", matrix(name, inputs, function, options | {strategy: "forward-mode"}))


# --- vectors ----------------------------------------------------------------------------------------------------------------------

VECTORS = {
    "none": lambda torch: None,
    "number": lambda torch: 1.0,
    "list": lambda torch: [vector(torch)],
    "tuple": lambda torch: (vector(torch),),
    "two": lambda torch: (vector(torch), vector(torch)),
    "wrong_shape": lambda torch: vector(torch, 1.0, 2.0),
    "column": lambda torch: vector(torch).reshape(3, 1),
    "float32": lambda torch: torch.ones(3),
    "integers": lambda torch: torch.ones(3, dtype=torch.int64),
    "complex": lambda torch: vector(torch) * 1j,
    "leaf": lambda torch: vector(torch, requires_grad=True),
    "tuple_wrong": lambda torch: (vector(torch, 1.0),),
}


def with_vector(name, v, function, options, inputs):
    def program(torch):
        return getattr(torch.autograd.functional, name)(FUNCTIONS[function](torch), inputs(torch), v(torch), **options)

    return program


for name, (which, v) in itertools.product(("vjp", "jvp", "vhp", "hvp"), VECTORS.items()):
    function = "cube" if name in ("vjp", "jvp") else "total"
    for option in ("", "create_graph"):
        named(f"{name}_vector_{which}_{option}", with_vector(name, v, function, OPTIONS[option], INPUTS["plain"]))
    if which in ("none", "two", "tuple"):
        for inputs in ("tuple_of_one", "scalar", "one_element"):
            named(f"{name}_vector_{which}_{inputs}", with_vector(name, v, function, {}, INPUTS[inputs]))


@case
def vjp_vector_none_for_a_number(torch):
    return torch.autograd.functional.vjp(lambda x: (x**2).sum(), vector(torch))


@case
def vjp_vector_none_for_a_tuple(torch):
    return torch.autograd.functional.vjp(lambda x: ((x**2).sum(),), vector(torch))


@case
def vjp_vector_for_two_outputs_is_one(torch):
    return torch.autograd.functional.vjp(lambda x: (x, x), vector(torch), vector(torch))


@case
def jvp_vector_for_two_inputs(torch):
    return torch.autograd.functional.jvp(lambda x, y: x * y, (vector(torch), vector(torch)), (vector(torch), vector(torch, 1.0)))


# --- arguments --------------------------------------------------------------------------------------------------------------------

WRONG_INPUTS = {"list": lambda torch: [vector(torch)], "number": lambda torch: 1.0, "none": lambda torch: None,
                "number_in_tuple": lambda torch: (vector(torch), 2), "nothing": lambda torch: ()}  # fmt: skip


def with_inputs(name, given):
    def program(torch):
        inputs = given(torch)
        return getattr(torch.autograd.functional, name)(lambda *given: (given[0] ** 2).sum(), inputs)

    return program


for name, (which, given) in itertools.product(("vjp", "jvp", "vhp", "hvp", "jacobian", "hessian"), WRONG_INPUTS.items()):
    named(f"{name}_inputs_{which}", with_inputs(name, given))


@case
def wrong_strategies(torch):
    found = []
    for options in ({"strategy": "backward"}, {"strategy": "forward-mode"}):
        try:
            torch.autograd.functional.jacobian(lambda x: x, vector(torch), **options)
        except (AssertionError, NotImplementedError) as error:
            found.append([type(error).__name__, str(error)[:70]])
    try:
        torch.autograd.functional.hessian(lambda x: x.sum(), vector(torch), outer_jacobian_strategy="backward")
    except AssertionError as error:
        found.append(str(error)[:70])
    return found


# --- further --------------------------------------------------------------------------------------------------------------------


@case
def results_have_a_history(torch):
    F, x = torch.autograd.functional, vector(torch, requires_grad=True)
    v = vector(torch, requires_grad=True)
    found = []
    for result in (
        F.jacobian(lambda x: x**3, x, create_graph=True), F.hessian(lambda x: (x**4).sum(), x, create_graph=True),
        F.vjp(lambda x: x**3, x, v, create_graph=True)[1], F.jvp(lambda x: x**3, x, v, create_graph=True)[1],
        F.vhp(lambda x: (x**4).sum(), x, v, create_graph=True)[1], F.hvp(lambda x: (x**4).sum(), x, v, create_graph=True)[1],
    ):  # fmt: skip
        found += [list(torch.autograd.grad(result.sum(), (x, v), allow_unused=True))]
    return found


@case
def nothing_is_left_in_grad(torch):
    x = vector(torch, requires_grad=True)
    torch.autograd.functional.hessian(lambda x: (x**4).sum(), x)
    torch.autograd.functional.jvp(lambda x: x**4, x, x)
    return x.grad


@case
def parameters_of_the_function_are_left_alone(torch):
    w = vector(torch, requires_grad=True)
    found = torch.autograd.functional.jacobian(lambda x: (x * w).sum(), vector(torch), create_graph=True)
    return found, list(torch.autograd.grad(found.sum(), w)), w.grad


@case
def within_no_grad(torch):
    F = torch.autograd.functional
    with torch.no_grad():
        return [F.jacobian(lambda x: x**2, vector(torch)), F.hessian(lambda x: (x**3).sum(), vector(torch)),
                F.vjp(lambda x: x**2, vector(torch), vector(torch)), F.hvp(lambda x: (x**3).sum(), vector(torch), vector(torch)),
                F.jacobian(lambda x: x**2, vector(torch), create_graph=True)]  # fmt: skip


@case
def nested(torch):
    F = torch.autograd.functional
    return F.jacobian(lambda x: F.jacobian(lambda y: y**3, x, create_graph=True), vector(torch))


@case
def hessian_of_complex_input(torch):
    return torch.autograd.functional.hessian(lambda z: (z * z.conj()).real.sum(), INPUTS["complex"](torch))


@case
def jacobian_of_a_view_that_is_returned(torch):
    return torch.autograd.functional.jacobian(lambda x: x[1:], vector(torch))


@case
def function_changes_its_input(torch):
    return torch.autograd.functional.jacobian(lambda x: x.mul_(2), vector(torch))


@case
def inputs_reach_the_function_as_leaves(torch):
    seen = []

    def note(x):
        seen.append([x.requires_grad, x.is_leaf])
        return (x * 2).sum()

    F = torch.autograd.functional
    for given in ("plain", "leaf", "inner"):
        for options in ({}, {"create_graph": True}):
            F.jacobian(note, INPUTS[given](torch), **options)
            F.vjp(note, INPUTS[given](torch), **options)
            F.jacobian(note, INPUTS[given](torch), vectorize=True, **options)
    F.jacobian(note, INPUTS["plain"](torch), vectorize=True, strategy="forward-mode")
    return seen
