"""Expressions on which PyTorch and Rushlight are to agree; references/pointwise.json has what PyTorch says."""

from __future__ import annotations

DTYPES = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
NUMBERS = {"True": True, "2": 2, "2.5": 2.5, "1j": 1j}

# What the names in the expressions stand for; `t` is torch.
OPERANDS = {
    "b": "t.tensor([True, False])",
    "i": "t.tensor([5, -5])",
    "z": "t.tensor([0, 2])",
    "u": "t.tensor([3, 250], dtype=t.uint8)",
    "i8": "t.tensor([-128, 127], dtype=t.int8)",
    "f": "t.tensor([1.5, -2.5])",
    "c": "t.tensor([1 + 2j, 0.5j])",
}

VALUES = """
b + b; b * b; b / b; b + 1; b * 1.5; b ** 2; b | 1; b ^ b; b << 1; ~b; b & 1; t.square(b); t.sqrt(b); t.sign(b)
t.maximum(b, b); i + 1.5; i + 1j; i * True; i / z; i // 2; i // -2; i % 3; i % -3; t.fmod(i, 3); i // 2.0; i ** 2
i ** z; i ** (-z); i ** 2.0; i ** 0.5; t.pow(2, i); t.pow(2.5, i); 2 ** i; 2 // i; 2 % i; 2.5 // i; 2 / i; 2 - i
i >> 70; i << 64; i << -1; i >> -1; 1 << z; ~i; i | True; i & i; t.div(i, 2, rounding_mode="trunc")
t.div(i, 2, rounding_mode="floor"); t.div(f, 0.7, rounding_mode="floor"); t.div(f, 0.7); u + u; u * 2; u - 4; -u
u + 300; u + 1.5; u / 2; u // 2; u + i; 1 - u; ~u; u << 7; u << 8; u >> 9; u | i8; u & -1; u == 300; i8 + i8; i8 * 2
abs(i8); i8 // -1; i8 << 1; i8 >> 8; f // 0; f % 0; t.fmod(f, 0); f // 0.7; f % 0.7; f % -0.7; f ** 2; f ** 3; 2 ** f
t.float_power(i, 2); t.float_power(f, i); t.tensor(1.0) * i; t.tensor(1.0, dtype=t.float64) * f; t.tensor(1) * u
t.tensor(1j) * f.double(); f.double() * f; t.exp(i); t.exp(b); t.reciprocal(i); t.floor(i); t.round(i); t.trunc(i)
t.relu(i); t.rad2deg(i); t.sigmoid(i); t.erf(i); t.angle(f); t.atan2(i, i); t.xlogy(i, i); t.xlogy(0, f)
t.copysign(i, f); t.copysign(f, 2); t.heaviside(i, i); t.ldexp(f, i); t.ldexp(i, i); t.frexp(f); t.gcd(i, u)
t.lcm(i, z); t.signbit(b); t.signbit(f); t.sgn(c); t.sgn(f); t.nan_to_num(i); t.isreal(c); t.isposinf(i)
t.clamp(i, 0.5, 3); t.clamp(i, 0, 3); t.clamp(b, 0, 1); t.clamp(i, f); t.clamp(f, max=0); t.clamp_min(i, 0.5)
t.clamp_max(f, 0); t.where(b, 1, 2); t.where(b, 1.0, 2); t.where(b, i, f); t.where(b, i, 2.5); t.where(b, True, 2)
t.where(f); t.where(u, i, i); i.masked_fill(b, 2.5); f.masked_fill(b, 2); i.masked_fill(b, t.tensor(1.5))
f.where(b, 0); t.lerp(f, f * 3, 0.25); t.lerp(f, f, f); t.addcmul(i, i, i); t.addcmul(i, i, i, value=0.5)
t.addcdiv(f, f, f, value=2); t.addcmul(f, f.double(), f); t.add(f, i, alpha=2); t.add(b, b, alpha=2)
t.sub(i, 1, alpha=2); t.rsub(i, 1, alpha=2); t.rsub(f, i); c == c; c * 2; c ** 2; c ** 0.5; 2 ** c; i ** c; t.exp(c)
t.abs(c); t.sigmoid(c); t.sinc(c); t.logaddexp(f, c); t.acosh(c); t.real(f); c.real; c.imag; c.conj(); t.conj(i)
t.complex(f, f); t.polar(f, f); t.view_as_real(c); t.view_as_complex(f); c.angle(); t.log1p(c); t.logical_not(f)
t.logical_and(i, f); t.logical_xor(c, i); t.isclose(i, i); t.isclose(b, b); t.equal(i, i.float()); t.equal(i, z[:1])
t.allclose(f, f); f == None; f != None; f == "a"; f == [1.5, -2.5]; t.bitwise_and(2, i); True & i
t.round(f, decimals=1); t.frac(f); t.round(t.tensor([0.5, 1.5, 2.5])); t.sign(t.tensor([float("nan"), -0.0]))
t.heaviside(t.tensor([float("nan"), 0, 1, -1]), t.tensor(0.3))
"""

ERRORS = """
b - b; b - 1; 1 - b; True - i; -b; +b; abs(b); b // b; b % b; t.floor(b); t.gcd(b, b); t.gcd(f, f); b << b; t.relu(b)
~f; i // z; i % z; i // 0; i % 0; t.fmod(i, z); t.div(i, z, rounding_mode="floor"); t.div(i, z, rounding_mode="trunc")
i ** -1; f & f; i & 1.0; f << 1; 1 << f; c < c; c > 1; c % c; c // c; t.floor(c); t.round(c); t.sign(c)
t.maximum(c, c); t.clamp(c, 0, 1); t.frac(i); t.frac(c); t.erf(c); t.hypot(i, i); t.logaddexp(i, i); t.nextafter(i, i)
t.heaviside(f, i); t.heaviside(f, c); t.frexp(i); t.clamp(f); t.isposinf(c); t.signbit(c); t.where(i, i, i)
t.lerp(i, i, 0.5); t.lerp(f, i, 0.5); t.lerp(f, f.double(), 0.5); t.addcdiv(i, i, i); t.addcdiv(f, i, i); t.imag(f)
t.complex(i, i); t.complex(f, f.double()); t.polar(i, i); t.view_as_real(f); i.masked_fill(i, 2)
f.masked_fill(b, t.tensor([1.0])); t.add(i, i, alpha=0.5); t.allclose(f, f.double()); t.isclose(f, i)
t.polygamma(-1, f); f.add("a"); f + "a"; f + None; f < None; f < "a"; f > [1, 2]; f + [1, 2]; t.exp("a"); t.exp(2.0)
t.div(f, 2, rounding_mode="x"); t.rsub(b, b); t.maximum(f, 2); t.atan2(f, 2); t.eq(2, f); f + t.ones(3)
f.add_(t.ones(2, 2)); i.div_(2); i.add_(1.5); t.where(b, f, t.ones(3)); f ** "a"; f.clamp(t.ones(3))
"""

# Kinks, ties and zeros: a function of x (and y), and where; the gradients of the sum of its values are compared, too.
NAN, INF = float("nan"), float("inf")
KINKS = {
    "t.maximum(x, y)": ([1.0, NAN, 1.0, INF, 2.0], [1.0, 1.0, NAN, INF, 1.0]),
    "t.minimum(x, y)": ([1.0, NAN, 1.0, INF, 2.0], [1.0, 1.0, NAN, INF, 1.0]),
    "t.fmax(x, y)": ([1.0, NAN, 1.0, NAN, 2.0], [1.0, 1.0, NAN, NAN, 1.0]),
    "t.fmin(x, y)": ([1.0, NAN, 1.0, NAN, 2.0], [1.0, 1.0, NAN, NAN, 1.0]),
    "t.clamp(x, 0, 1)": ([0.0, 1.0, -1.0, 2.0, NAN],),
    "t.clamp(x, y, y + 1)": ([0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 0.0, 0.0]),
    "t.clamp(x, y + 1, y)": ([0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 0.0, 0.0]),
    "t.clamp_min(x, y)": ([0.0, 1.0, -1.0, NAN], [0.0, 0.0, 0.0, 0.0]),
    "t.clamp_max(x, y)": ([0.0, 1.0, -1.0, NAN], [0.0, 0.0, 0.0, 0.0]),
    "t.sqrt(t.clamp_min(x, 0))": ([-1.0, 4.0],),
    "t.sqrt(t.where(x > 0, x, 0))": ([-1.0, 4.0],),
    "t.sqrt(t.maximum(x, y))": ([-1.0, 4.0], [0.0, 1.0]),
    "t.abs(x)": ([0.0, -0.0, -1.0, INF],),
    "t.sqrt(x)": ([0.0, 1.0],),
    "t.relu(x)": ([0.0, 1.0, -1.0],),
    "x ** 0": ([0.0, NAN],),
    "x ** 1": ([0.0, 2.0],),
    "x ** 0.5": ([0.0, 4.0],),
    "x ** y": ([0.0, 0.0, 0.0, 2.0, -1.0], [0.0, 1.0, 2.0, 0.0, 2.0]),
    "t.hypot(x, y)": ([0.0, 3.0], [0.0, 4.0]),
    "t.atan2(x, y)": ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
    "t.xlogy(x, y)": ([0.0, 0.0, 0.0, 1.0, NAN, 0.0], [0.0, -1.0, NAN, 0.0, 1.0, 2.0]),
    "t.copysign(x, y)": ([0.0, -0.0, 1.0, -1.0], [1.0, -1.0, -1.0, 1.0]),
    "t.remainder(x, y)": ([-2.5, 2.5, 3.0, 1.0], [INF, -INF, 0.0, 0.7]),
    "t.fmod(x, y)": ([-2.5, 2.5, 3.0, 1.0], [INF, -INF, 0.0, 0.7]),
    "t.logit(x)": ([0.0, 1.0, -0.1, 1.2, 0.5],),
    "t.logit(x, 0.1)": ([0.0, 1.0, -0.1, 0.1, 0.9, 0.5],),
    "t.nan_to_num(x)": ([NAN, INF, -INF, 1.0],),
    "t.sinc(x)": ([0.0, 1.0, 0.5],),
    "t.angle(x)": ([0.0, -1.0, NAN],),
    "t.logaddexp(x, y)": ([1.0, -INF, 800.0], [2.0, 1.0, -800.0]),
    "t.erfinv(x)": ([1.0, -1.0, 0.0, 2.0],),
    "t.frac(x)": ([1.25, -1.35],),
    "t.round(x, decimals=1)": ([1.25, 1.35, -2.55],),
    "t.div(x, y, rounding_mode='trunc')": ([1.0, 2.0], [0.3, 0.4]),
    "t.lerp(x, y, 0.3)": ([1.0, 2.0], [2.0, 3.0]),
    "x.masked_fill(x > 1, y.sum())": ([1.0, 2.0], [3.0, 4.0]),
    "t.ldexp(x, y)": ([1.0, 2.0], [2.0, 3.0]),
    "t.abs(t.complex(x, y))": ([0.0, 3.0], [0.0, 4.0]),
    "t.angle(t.complex(x, y))": ([0.0, 1.0], [0.0, 2.0]),
    "t.sgn(t.complex(x, y)).real": ([0.0, 1.0], [0.0, 2.0]),
    "t.complex(x, y).conj().imag": ([0.0, 1.0], [0.0, 2.0]),
    "t.view_as_real(t.polar(x, y))": ([1.0, 2.0], [0.5, 2.0]),
}

NAMES = """
x + y; x + 2; 2 + x; x - y; 2 - x; t.rsub(x, y); x * y; 2 * x; x / y; 2 / x; x // y; x % y; x % 2; x ** 2; x ** 3.5
x ** y; 2 ** x; x ** 0; t.square(x); t.float_power(x, 2); t.div(x, 2, rounding_mode="trunc"); -x; abs(x); t.fmod(x, y)
t.fmod(x, 2); t.log1p(x); t.log10(x); t.maximum(x, y); t.clamp(x, 0, 1); t.clamp(x, min=y); t.clamp_min(x, 0)
t.clamp_min(x, y); t.clip(x, 0, 1); t.where(x > 0, x, 0); t.lerp(x, y, 0.5); t.lerp(x, y, x); t.addcmul(x, y, y)
t.addcdiv(x, y, y); t.nan_to_num(x); x.masked_fill(x > 0.6, 1.0); t.arctan2(x, y); x.masked_fill(x > 0.6, y[0])
t.angle(x); t.complex(x, y); t.complex(x, y).real; t.complex(x, y).conj(); t.rad2deg(x); t.fix(x); t.round(x)
t.round(x, decimals=1); t.sgn(x); t.xlogy(x, y); t.xlogy(x, 2); t.xlogy(2, x); t.copysign(x, 2); t.frexp(x)[0]
t.relu(x); t.sigmoid(x); t.polygamma(1, x); t.i0(x); t.conj(x); t.real(x); +x; x > y; t.isnan(x); t.heaviside(x, y)
t.view_as_real(t.complex(x, y))
"""


def expressions(block: str) -> list[str]:
    """The expressions of a block, separated by semicolons and line ends."""
    return [one.strip() for line in block.strip().splitlines() for one in line.split(";") if one.strip()]


def plain(value: object) -> object:
    """A result as text: numbers with their type, or what Python says of another object."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if not hasattr(value, "tolist"):
        return repr(value)
    return [repr(value.tolist()), str(value.dtype).rpartition(".")[2]]  # type: ignore[attr-defined]


def promotions(t: object) -> dict[str, str]:
    """The type of the product for all pairs of types, with dimensions, without, and of Python numbers."""
    dims = {name: t.ones(2, dtype=getattr(t, name)) for name in DTYPES}  # type: ignore[attr-defined]
    zeros = {f"{name}()": t.ones((), dtype=getattr(t, name)) for name in DTYPES}  # type: ignore[attr-defined]
    tensors = dims | zeros
    pairs = {(a, b): (x, y) for a, x in tensors.items() for b, y in (tensors | NUMBERS).items()}
    return {f"{a} {b}": str(t.result_type(x, y)).rpartition(".")[2] for (a, b), (x, y) in pairs.items()}  # type: ignore[attr-defined]


def kink(t: object, expression: str) -> list:
    """The values of a function, and the gradients of their sum."""
    leaves = [t.tensor(values, dtype=t.float64, requires_grad=True) for values in KINKS[expression]]  # type: ignore[attr-defined]
    out = eval(expression, {"t": t, "x": leaves[0], "y": leaves[-1]})
    out.sum().backward()
    return [repr(out.tolist()), *(repr(leaf.grad.tolist()) for leaf in leaves)]


def evaluate(t: object, expression: str) -> object:
    """The value of an expression on the operands."""
    scope = {name: eval(source, {"t": t}) for name, source in OPERANDS.items()}
    return eval(expression, {"t": t, **scope})


def node_name(t: object, expression: str) -> str | None:
    """The name of the node that an expression of two leaves makes; None where none is made."""
    leaves = [t.tensor(values, dtype=t.float64, requires_grad=True) for values in ([0.5, 0.7], [0.3, 0.9])]  # type: ignore[attr-defined]
    node = eval(expression, {"t": t, "x": leaves[0], "y": leaves[1]}).grad_fn
    return None if node is None else node.name().rpartition("::")[2]
