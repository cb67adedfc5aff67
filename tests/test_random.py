"""The number source draws PyTorch's CPU streams: every kind of draw in turn, from several seeds."""

import copy
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from rushlight import random
from rushlight.random import Generator

STORED = np.load(Path(__file__).parent / "references" / "random.npz")
SEEDS = (0, 1, 42, 2**31, -5)
STEP = 997
SIZES = (1, 5, 15, 16, 20, 64, 10000)
f32, f64 = np.float32, np.float64
rates = np.arange(30, dtype=f32)
shapes = (rates + 1) / 5
probs = np.arange(1, 25, dtype=f32).reshape(2, 12)
fractions = rates / 29


def cases(g):
    """What references/make_random.py draws, in its order."""
    for n in SIZES:
        for name, dtype in (("f32", f32), ("f64", f64), ("f16", np.float16)):
            yield f"uniform_{name}_{n}", g.uniform((n,), dtype)
            yield f"range_{name}_{n}", g.uniform((n,), dtype, -3.1, 2.7)
            yield f"normal_{name}_{n}", g.normal((n,), dtype)
            yield f"scaled_{name}_{n}", g.normal((n,), dtype, -1.3, 2.2)
        yield f"coin_{n}", g.bernoulli(0.3, (n,), f32)
        yield f"coin_half_{n}", g.bernoulli(0.5, (n,), np.int64)
        yield f"coin_array_{n}", g.bernoulli(np.arange(n, dtype=f32) / n, (n,), f32)
        yield f"coin_array_f64_{n}", g.bernoulli(np.arange(n) / n, (n,), f64)
        yield f"integers_{n}", g.integers(-7, 1000, (n,), np.int64)
        yield f"integers_f32_{n}", g.integers(3, 10, (n,), f32)
        yield f"exponential_{n}", g.exponential((n,), f32, 1.7)
        yield f"geometric_{n}", g.geometric((n,), f32, 0.3)
        yield f"cauchy_{n}", g.cauchy((n,), f32, 1, 2)
        yield f"log_normal_{n}", g.log_normal((n,), f32, 0.3, 0.7)
    for n in (1, 2, 10, 1000, 100000):
        yield f"permutation_{n}", g.permutation(n)
    for k in (2**28 - 1, 2**28, 2**32 - 1, 2**32, 2**62):
        yield f"integers_below_{k}", g.integers(0, k, (9,))
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"):
        yield f"random_{name}", g.random_((9,), name)
    yield "random_int64_full", g.random_((9,), np.int64, -(2**63), None)
    yield "random_int32_from", g.random_((9,), np.int32, 5, None)
    yield "random_int8_from", g.random_((9,), np.int8, -128, None)
    yield "uniform_reaches_high", g.uniform((50,), f32, 16777215.0, 16777216.0)
    yield "normal_complex", g.normal((5,), np.complex64)
    yield "normal_complex_20", g.normal((20,), np.complex64)
    yield "uniform_complex", g.uniform((5,), np.complex64)
    yield "normal_strided", g.normal((8, 4), f32, contiguous=False)
    yield "normal_strided_big", g.normal((80, 2), f32, contiguous=False)
    yield "normal_of_arrays", g.normal((30,), f32, rates, shapes)
    yield "normal_of_mean", g.normal((30,), f32, rates, 2.5)
    yield "normal_of_std", g.normal((30,), f32, 2.5, shapes)
    yield "multinomial_1", g.multinomial(probs, 1)
    yield "multinomial_5", g.multinomial(probs, 5)
    yield "multinomial_f64", g.multinomial(probs[0].astype(f64), 5)
    yield "multinomial_replaced", g.multinomial(probs, 50, True)
    yield "multinomial_replaced_1", g.multinomial(probs[0], 1, True)
    yield "poisson", g.poisson(rates)
    yield "binomial", g.binomial(rates, fractions)
    yield "binomial_big", g.binomial(10 * rates, fractions)
    yield "gamma", g.standard_gamma(shapes)
    yield "gamma_f64", g.standard_gamma(shapes.astype(f64))
    yield "dirichlet", g.dirichlet(shapes.reshape(6, 5))
    yield "last", g.normal((3,), f32)


TRANSCENDENTAL = ("normal", "scaled", "exponential", "cauchy", "log_normal", "gamma", "dirichlet", "last")
TOLERANCE = {"f": 3e-6, "d": 1e-13, "e": 2e-3, "F": 3e-6}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_draw_in_turn(seed):
    g = Generator().manual_seed(seed)
    stored, position = STORED[str(seed)], 0
    for name, drawn in cases(g):
        values = drawn[::STEP] if drawn.size >= 10000 else drawn.ravel()
        expected = stored[position : position + values.nbytes].copy().view(values.dtype)
        position += values.nbytes
        if name.startswith(TRANSCENDENTAL):
            tolerance = TOLERANCE[values.dtype.char]
            np.testing.assert_allclose(values, expected, tolerance, tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(values, expected, err_msg=name)
    state, expected = g._state_array(), stored[position:]
    np.testing.assert_array_equal(state[:5024], expected[:5024])
    np.testing.assert_allclose(state[5024:5032].view(f64), expected[5024:5032].copy().view(f64), 1e-13)
    np.testing.assert_array_equal(state[5032:], expected[5032:])


def test_continues_from_the_state_of_pytorch():
    g = Generator()
    g._set_state_array(STORED["42"][-5056:])
    again = Generator().manual_seed(42)
    for _ in cases(again):
        pass
    assert g.initial_seed() == 42
    np.testing.assert_allclose(g.normal((5,), f32), again.normal((5,), f32), 1e-6)
    np.testing.assert_array_equal(g.uniform((2000,), f32), again.uniform((2000,), f32))


@pytest.mark.parametrize("spent", [0, 1, 623, 624, 625, 1248, 5000])
@pytest.mark.parametrize("copied", ["state", "clone", "pickle", "deepcopy"])
def test_state_round_trip(spent, copied):
    g = Generator().manual_seed(9)
    g.uniform((spent,), f32)
    other = {
        "state": lambda: _with_state(g._state_array()),
        "clone": g.clone_state,
        "pickle": lambda: pickle.loads(pickle.dumps(g)),
        "deepcopy": lambda: copy.deepcopy(g),
    }[copied]()
    np.testing.assert_array_equal(g._state_array(), other._state_array())
    np.testing.assert_array_equal(g.uniform((1500,), f32), other.uniform((1500,), f32))


def _with_state(state):
    g = Generator()
    g._set_state_array(state)
    return g


def test_cached_normal_survives_other_draws_and_states():
    g = Generator().manual_seed(0)
    whole = g.normal((4,), f64)
    g.manual_seed(0)
    first = g.normal((3,), f64)
    g = _with_state(g._state_array())
    g.uniform((7,), f32)
    np.testing.assert_array_equal(np.append(first, g.normal((1,), f64)), whole)


def test_draws_in_pieces_equal_a_draw_at_once():
    whole = Generator().manual_seed(3).uniform((70000,), f32)
    g = Generator().manual_seed(3)
    pieces = [g.uniform((n,), f32) for n in (1, 622, 1, 1, 700, 624, 1248, 0, 66803)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_one_element_at_a_time_equals_an_array():
    g, h = Generator().manual_seed(3), Generator().manual_seed(3)
    g.uniform((1,), f32), h.uniform((1,), f32)  # doubles now straddle the twister's blocks
    draw = g._each_double().__next__
    np.testing.assert_array_equal([draw() for _ in range(2000)], h.uniform((2000,), f64))
    np.testing.assert_array_equal(g._state_array(), h._state_array())


@pytest.mark.parametrize("count", [1, 7, 63, 64, 65, 1000, 1001])
def test_serial_normals_by_list_and_by_array_agree(count):
    g, h = Generator().manual_seed(5), Generator().manual_seed(5)
    g.normal((1,), f64), h.normal((1,), f64)
    one_by_one = [float(h.normal((), f64)) for _ in range(count)]
    np.testing.assert_allclose(g.normal((count,), f64, contiguous=False), one_by_one, 1e-13)
    np.testing.assert_allclose(g.normal((3,), f64), h.normal((3,), f64), 1e-13)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)])
def test_shapes(shape):
    g = Generator()
    p, alpha = np.full(shape, 0.5), np.full(shape, 2.0)
    drawn = [
        g.uniform(shape, f32), g.normal(shape, f32), g.normal(shape, np.complex128), g.bernoulli(0.5, shape, f32),
        g.bernoulli(p, shape, f32), g.integers(0, 9, shape), g.random_(shape, np.int8), g.exponential(shape, f32),
        g.geometric(shape, f32, 0.5), g.cauchy(shape, f32), g.log_normal(shape, f32), g.poisson(alpha),
        g.standard_gamma(alpha), g.binomial(alpha, p), g.normal(shape, f32, p, alpha),
    ]  # fmt: skip
    assert all(isinstance(values, np.ndarray) and values.shape == shape for values in drawn)


def test_manual_seed():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(-1) is g
    assert g.initial_seed() == 2**64 - 1
    assert g.manual_seed(2**32 + 7).uniform((1,), f32) == g.manual_seed(7).uniform((1,), f32)
    assert g.seed() == g.initial_seed()
    with pytest.raises(RuntimeError, match="manual_seed expected a long"):
        g.manual_seed(1.5)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        g.manual_seed(2**64)


@pytest.mark.parametrize(
    ("message", "draw"),
    [
        ("uniform_ expects to return a", lambda g: g.uniform((3,), f32, 2, 1)),
        ("exceed the limit", lambda g: g.uniform((3,), f32, -3e38, 3e38)),
        ("normal expects std >= 0.0", lambda g: g.normal((3,), f32, 0, -1)),
        ("normal expects all elements of std >= 0.0", lambda g: g.normal((2,), f32, 0.0, -np.ones(2))),
        ("bernoulli_ expects p to be in", lambda g: g.bernoulli(1.5, (3,), f32)),
        ("Expected p_in >= 0 && p_in <= 1", lambda g: g.bernoulli(np.array([np.nan]), (1,), f32)),
        ("exponential_ expects lambda > 0.0", lambda g: g.exponential((3,), f32, 0)),
        ("Exponential distribution is a continuous", lambda g: g.exponential((3,), np.int64)),
        (r"geometric_ expects p to be in \(0, 1\)", lambda g: g.geometric((3,), f32, 1)),
        ("cauchy_ expects sigma > 0.0", lambda g: g.cauchy((3,), f32, 0, 0)),
        ("log_normal_ expects std > 0.0", lambda g: g.log_normal((3,), f32, 0, 0)),
        ("random_ expects 'from' to be less than 'to'", lambda g: g.integers(3, 3, (3,))),
        ("to - 1 is out of bounds", lambda g: g.integers(0, 300, (3,), np.int8)),
        ("from is out of bounds", lambda g: g.integers(-1, 3, (3,), np.uint8)),
        ("negative dimension", lambda g: g.permutation(-1)),
        ("n cannot be greater than 2049 for Half", lambda g: g.permutation(5000, np.float16)),
        ("prob_dist must be 1 or 2 dim", lambda g: g.multinomial(np.ones((2, 2, 2)), 1)),
        ("sum of probabilities <= 0", lambda g: g.multinomial(np.zeros(2), 1)),
        ("contains either `inf`, `nan` or element < 0", lambda g: g.multinomial(np.array([1.0, -1.0]), 1)),
        ("without replacement", lambda g: g.multinomial(np.ones(2), 3)),
        ("cannot sample n_sample <= 0", lambda g: g.multinomial(np.ones(2), 0)),
        ("only supports floating-point dtypes for input, got: Long", lambda g: g.multinomial(np.ones(2, np.int64), 1)),
        ("invalid Poisson rate", lambda g: g.poisson(np.array([-1.0]))),
        ("Expected a CPUGeneratorImplState of size 5056", lambda g: g._set_state_array(np.zeros(3, np.uint8))),
        ("Invalid mt19937 state", lambda g: g._set_state_array(np.zeros(5056, np.uint8))),
    ],
)
def test_errors(message, draw):
    g = Generator()
    with pytest.raises(RuntimeError, match=message):
        draw(g)


@pytest.mark.parametrize("draw", [Generator.uniform, Generator.normal])
def test_integers_cannot_hold_reals(draw):
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        draw(Generator(), (3,), np.int64)


def test_a_numpy_number_is_a_number():
    g, h = Generator(), Generator()
    np.testing.assert_array_equal(g.normal((40,), f32, f64(0.1), f64(0.3)), h.normal((40,), f32, 0.1, 0.3))
    np.testing.assert_array_equal(g.bernoulli(f32(0.5), (40,), f32), h.bernoulli(0.5, (40,), f32))


def test_zero_probability_is_never_drawn():
    g = Generator().manual_seed(1)
    weights = np.array([0, 0.3, 0, 0.7, 0], f32)
    for replacement in (True, False):
        drawn = g.multinomial(weights, 2, replacement)
        assert np.isin(drawn, (1, 3)).all()
    assert np.isin(g.multinomial(weights, 5000, True), (1, 3)).all()


def test_module_functions_use_the_default_generator():
    before = random.default_generator._state_array()
    try:
        assert random.manual_seed(7) is random.default_generator
        assert random.initial_seed() == 7
        with random.fork_rng(devices=[]):
            inside = random.default_generator.uniform((3,), f32)
            random.manual_seed(8)
        np.testing.assert_array_equal(random.default_generator.uniform((3,), f32), inside)
        with random.fork_rng(enabled=False):
            random.manual_seed(8)
        assert random.initial_seed() == 8
        assert random.seed() == random.initial_seed()
    finally:
        random.default_generator._set_state_array(before)


def test_threads_share_a_generator():
    g = Generator().manual_seed(0)
    drawn = []
    threads = [threading.Thread(target=lambda: drawn.extend(g.uniform((100,), f64) for _ in range(50))) for _ in "four"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = Generator().manual_seed(0).uniform((20000,), f64)
    np.testing.assert_array_equal(np.sort(np.concatenate(drawn)), np.sort(expected))


@pytest.mark.parametrize(
    ("values", "mean", "variance"),
    [
        (lambda g: g.poisson(np.full(4000, 3.0)), 3, 3),
        (lambda g: g.poisson(np.full(4000, 50.0)), 50, 50),
        (lambda g: g.binomial(np.full(4000, 40.0), np.full(4000, 0.7)), 28, 8.4),
        (lambda g: g.standard_gamma(np.full(4000, 0.6)), 0.6, 0.6),
        (lambda g: g.standard_gamma(np.full(4000, 7.0)), 7, 7),
        (lambda g: g.normal((4001,), f32, 2, 3), 2, 9),
        (lambda g: g.exponential((4000,), f32, 0.5), 2, 4),
        (lambda g: g.geometric((4000,), f32, 0.25), 4, 12),
    ],
)
def test_moments(values, mean, variance):
    drawn = values(Generator().manual_seed(11)).astype(f64)
    assert abs(drawn.mean() - mean) < 5 * (variance / 4000) ** 0.5
    assert abs(drawn.var() / variance - 1) < 0.25
