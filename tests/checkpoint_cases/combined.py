"""Checkpoints together with everything else: functions, hooks, higher orders, transforms, modes."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def checkpoint_kw_only(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda a, *, b: a * b, x, b=x, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def checkpoint_in_function(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x.exp()

    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: F.apply(x).sin(), x, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def checkpoint_retain_then_grad(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: (x.sin() * x.exp()).tanh(), x, use_reentrant=False)
    a = torch.autograd.grad(y.sum(), x, retain_graph=True)
    b = torch.autograd.grad(y.sum(), x, create_graph=True)
    c = torch.autograd.grad(b[0].sum(), x)
    return a, b, c


@case
def checkpoint_multi_input_views(torch):
    x = leaf(torch)
    v = x[1:]
    w = x[:2]
    y = torch.utils.checkpoint.checkpoint(lambda a, b: a * b, v, w, use_reentrant=False)
    y.sum().backward()
    return x.grad


@case
def checkpoint_hooks_inside(torch):
    x = leaf(torch)
    log = []

    def f(x):
        y = x * x
        y.register_hook(lambda g: log.append(g.tolist()))
        return y.exp()

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()
    a = len(log)
    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True).sum().backward()
    return a, len(log)


@case
def checkpoint_anomaly(torch):
    x = leaf(torch)
    with torch.autograd.detect_anomaly():
        torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum().backward()
    return x.grad


@case
def checkpoint_autograd_functional(torch):
    x = leaf(torch)
    return torch.autograd.functional.jacobian(
        lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False), x
    )


@case
def checkpoint_hessian(torch):
    x = leaf(torch)
    return torch.autograd.functional.hessian(
        lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum(), x
    )


@case
def checkpoint_gradcheck(torch):
    x = leaf(torch)
    return torch.autograd.gradcheck(
        lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False), x
    ), torch.autograd.gradgradcheck(lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False), x)


@case
def checkpoint_gradcheck_re(torch):
    x = leaf(torch)
    return torch.autograd.gradcheck(lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=True), x)


@case
def checkpoint_func_grad_re(torch):
    x = leaf(torch).detach()
    return torch.func.grad(lambda x: torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=True).sum())(x)


@case
def checkpoint_fwad(torch):
    fw = torch.autograd.forward_ad
    x = leaf(torch)
    with fw.dual_level():
        d = fw.make_dual(x, torch.ones_like(x))
        return fw.unpack_dual(torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), d, use_reentrant=False)).tangent


@case
def checkpoint_vmap_batched(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    return torch.autograd.grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)


@case
def checkpoint_early_exception(torch):
    x = leaf(torch)

    def f(x):
        raise ValueError("in part")

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)


@case
def checkpoint_exception_second(torch):
    x = leaf(torch)
    c = [0]

    def f(x):
        c[0] += 1
        if c[0] == 2:
            raise ValueError("second")
        return x.exp().sin()

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()


@case
def checkpoint_saved_after(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    y.sum().backward()
    return y.grad_fn._saved_self


@case
def checkpoint_mutation_ctx(torch):
    x = leaf(torch)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
        y.sum().backward()
    return x.grad


@case
def checkpoint_disabled_hooks(torch):
    x = leaf(torch)
    with torch.autograd.graph.disable_saved_tensors_hooks("nope"):
        torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)


@case
def checkpoint_inference(torch):
    x = leaf(torch)
    with torch.inference_mode():
        return torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x.detach(), use_reentrant=False)


@case
def checkpoint_noargs(torch):
    w = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda: w.exp().sin(), use_reentrant=False)
    y.sum().backward()
    return w.grad


@case
def sequential_list_re(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint_sequential([torch.sin, torch.exp, torch.cos], 2, x, use_reentrant=True)
    y.sum().backward()
    return x.grad


@case
def sequential_preserve(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint_sequential(
        [torch.sin, torch.exp, torch.cos], 3, x, use_reentrant=False, preserve_rng_state=False
    )
    y.sum().backward()
    return x.grad


@case
def ckpt_policy_fn_names(torch):
    return torch.utils.checkpoint.noop_context_fn.__name__, torch.utils.checkpoint.CheckpointFunction.__mro__[1].__name__


@case
def checkpoint_func_direct(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.CheckpointFunction.apply(lambda x: x.exp().sin(), True, x)
    y.sum().backward()
    return x.grad


@case
def unused_output(torch):
    x = leaf(torch)
    a, b = torch.utils.checkpoint.checkpoint(lambda x: (x.exp(), x.sin()), x, use_reentrant=True)
    a.sum().backward()
    return x.grad


@case
def unused_output_detached(torch):
    x = leaf(torch)
    a, b = torch.utils.checkpoint.checkpoint(lambda x: (x.exp(), x.sin().detach()), x, use_reentrant=True)
    a.sum().backward()
    return x.grad, b.requires_grad


@case
def reentrant_create_graph(torch):
    x = leaf(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp(), x, use_reentrant=True)
    y.sum().backward(create_graph=True)
    return x.grad.requires_grad
