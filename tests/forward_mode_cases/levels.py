"""Levels: how they are opened and closed, and what is said outside of them."""

from __future__ import annotations

from .programs import F, case, t3, un


@case
def current_level(torch):
    m = F(torch)
    with m.dual_level() as level:
        return level, m._current_level


@case
def dual_level_decorator(torch):
    m = F(torch)

    @m.dual_level()
    def f(x):
        return m.unpack_dual(m.make_dual(x, x * 2) * 3)

    return f(t3(torch))


@case
def exit_when_none_is_open(torch):
    F(torch).exit_dual_level()


@case
def exit_wrong(torch):
    m = F(torch)
    with m.dual_level():
        m.exit_dual_level(level=3)


@case
def exit_wrong2(torch):
    m = F(torch)
    m.enter_dual_level()
    try:
        m.exit_dual_level(level=3)
    finally:
        m.exit_dual_level()


@case
def nested(torch):
    m = F(torch)
    with m.dual_level(), m.dual_level():
        pass


@case
def nested_after_error(torch):
    m = F(torch)
    try:
        with m.dual_level(), m.dual_level():
            pass
    except RuntimeError:
        pass
    with m.dual_level():
        return un(torch, m.make_dual(t3(torch), t3(torch)))


@case
def make_outside(torch):
    F(torch).make_dual(t3(torch), t3(torch))


@case
def unpack_outside(torch):
    r = F(torch).unpack_dual(t3(torch))
    return type(r).__name__, list(r), r._fields


@case
def unpack_level(torch):
    return list(F(torch).unpack_dual(t3(torch), level=0))


@case
def unpack_nontensor(torch):
    with F(torch).dual_level():
        return F(torch).unpack_dual(3.0)


@case
def unpack_none(torch):
    with F(torch).dual_level():
        return F(torch).unpack_dual(None)


@case
def after_exit(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch))
        y = d * 2
    with m.dual_level():
        return un(torch, d), un(torch, y), un(torch, y + 1)


@case
def set_fwd(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        with m._set_fwd_grad_enabled(False):
            a = d * 2
            e = m._is_fwd_grad_enabled()
            b = un(torch, d)
        c = d * 2
        return un(torch, a), un(torch, c), e, b, m._is_fwd_grad_enabled()


@case
def set_fwd_make(torch):
    m = F(torch)
    with m.dual_level():
        with m._set_fwd_grad_enabled(False):
            d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        return un(torch, d)


@case
def no_grad(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        with torch.no_grad():
            return un(torch, d * 2)


@case
def inference(torch):
    m = F(torch)
    with m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        with torch.inference_mode():
            return un(torch, d * 2)


@case
def inference2(torch):
    m = F(torch)
    with torch.inference_mode(), m.dual_level():
        d = m.make_dual(t3(torch), t3(torch, 5.0, 6.0, 7.0))
        return un(torch, d * 2)
