"""The examples of PyTorch's pages Extending torch.autograd, Extending torch.func, and Double backward with custom functions."""

from __future__ import annotations

from facts import leaf

from .programs import case


@case
def double_backward_docs(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, grad_out):
            (x,) = ctx.saved_tensors
            return grad_out * 2 * x

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            result = torch.exp(x)
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx, grad_out):
            (result,) = ctx.saved_tensors
            return result * grad_out

    class Sinh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            expx = torch.exp(x)
            expnegx = torch.exp(-x)
            ctx.save_for_backward(expx, expnegx)
            return (expx - expnegx) / 2, expx, expnegx

        @staticmethod
        def backward(ctx, grad_out, _grad_out_exp, _grad_out_negexp):
            expx, expnegx = ctx.saved_tensors
            grad_input = grad_out * (expx + expnegx) / 2
            grad_input += _grad_out_exp * expx
            grad_input -= _grad_out_negexp * expnegx
            return grad_input

    class SinhBad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            expx = torch.exp(x)
            expnegx = torch.exp(-x)
            ctx.expx = expx
            ctx.expnegx = expnegx
            return (expx - expnegx) / 2

        @staticmethod
        def backward(ctx, grad_out):
            return grad_out * (ctx.expx + ctx.expnegx) / 2

    def cube_forward(x):
        return x**3

    def cube_backward(g, x):
        return g * 3 * x**2

    def cube_backward_backward(gg, g, x):
        return gg * 6 * g * x

    def cube_backward_backward_grad_out(gg, x):
        return gg * 3 * x**2

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return cube_forward(x)

        @staticmethod
        def backward(ctx, grad_out):
            (x,) = ctx.saved_tensors
            return CubeBackward.apply(grad_out, x)

    class CubeBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, grad_out, x):
            ctx.save_for_backward(x, grad_out)
            return cube_backward(grad_out, x)

        @staticmethod
        def backward(ctx, grad_out):
            x, grad_out_ = ctx.saved_tensors
            return cube_backward_backward_grad_out(grad_out, x), cube_backward_backward(grad_out, grad_out_, x)

    x = torch.rand(3, 3, requires_grad=True, dtype=torch.double)
    ok = [
        torch.autograd.gradcheck(f, x) and torch.autograd.gradgradcheck(f, x)
        for f in (Square.apply, Exp.apply, lambda x: Sinh.apply(x)[0], Cube.apply)
    ]
    try:
        torch.autograd.gradgradcheck(SinhBad.apply, x)
        bad = "passed"
    except RuntimeError as e:
        bad = type(e).__name__, str(e)[:60]
    x1 = leaf(torch)
    y = SinhBad.apply(x1)
    (g,) = torch.autograd.grad(y.sum(), x1, create_graph=True)
    return ok, bad, g.requires_grad


@case
def linear_docs(torch):
    class LinearFunction(torch.autograd.Function):
        @staticmethod
        def forward(input, weight, bias):
            output = input.mm(weight.t())
            if bias is not None:
                output += bias.unsqueeze(0).expand_as(output)
            return output

        @staticmethod
        def setup_context(ctx, inputs, output):
            input, weight, bias = inputs
            ctx.save_for_backward(input, weight, bias)

        @staticmethod
        def backward(ctx, grad_output):
            input, weight, bias = ctx.saved_tensors
            grad_input = grad_weight = grad_bias = None
            if ctx.needs_input_grad[0]:
                grad_input = grad_output.mm(weight)
            if ctx.needs_input_grad[1]:
                grad_weight = grad_output.t().mm(input)
            if bias is not None and ctx.needs_input_grad[2]:
                grad_bias = grad_output.sum(0)
            return grad_input, grad_weight, grad_bias

    linear = LinearFunction.apply
    torch.manual_seed(0)
    input = (
        torch.randn(4, 3, dtype=torch.double, requires_grad=True),
        torch.randn(5, 3, dtype=torch.double, requires_grad=True),
        None,
    )
    return torch.autograd.gradcheck(linear, input, eps=1e-6, atol=1e-4), linear(*input).detach().sum()


@case
def mulconstant_docs(torch):
    class MulConstant(torch.autograd.Function):
        @staticmethod
        def forward(tensor, constant):
            return tensor * constant

        @staticmethod
        def setup_context(ctx, inputs, output):
            tensor, constant = inputs
            ctx.set_materialize_grads(False)
            ctx.constant = constant

        @staticmethod
        def backward(ctx, grad_output):
            if grad_output is None:
                return None, None
            return grad_output * ctx.constant, None

    x = leaf(torch)
    y = MulConstant.apply(x, 3)
    y.sum().backward()
    return x.grad


@case
def mycube_docs(torch):
    class MyCube(torch.autograd.Function):
        @staticmethod
        def forward(x):
            result = x**3
            dx = 3 * x**2
            return result, dx

        @staticmethod
        def setup_context(ctx, inputs, output):
            (x,) = inputs
            result, dx = output
            ctx.save_for_backward(x, dx)

        @staticmethod
        def backward(ctx, grad_output, grad_dx):
            x, dx = ctx.saved_tensors
            return grad_output * dx + grad_dx * 6 * x

    def my_cube(x):
        return MyCube.apply(x)[0]

    x = torch.tensor(2.0, dtype=torch.float64)
    X = torch.tensor([1.0, 2.0], dtype=torch.float64)

    class V(MyCube):
        generate_vmap_rule = True

    return (
        torch.func.grad(my_cube)(x),
        torch.func.grad(torch.func.grad(my_cube))(x),
        torch.vmap(lambda x: V.apply(x)[0])(X),
        torch.vmap(torch.func.grad(lambda x: V.apply(x)[0]))(X),
    )


@case
def mypow_docs(torch):
    class MyPow(torch.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x**y

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y = inputs
            ctx.x_shape = x.shape
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            ctx.y = y

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ctx.y * x ** (ctx.y - 1), None

        @staticmethod
        def jvp(ctx, xt, yt):
            (x,) = ctx.saved_tensors
            return xt * ctx.y * x ** (ctx.y - 1)

    x = torch.tensor(2.0, dtype=torch.float64)
    return torch.func.jvp(lambda x: MyPow.apply(x, 3), (x,), (x,)), torch.func.grad(lambda x: MyPow.apply(x, 3))(x)


@case
def inplace_docs(torch):
    class Inplace(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x_npy = x.numpy()
            x_npy += 1
            ctx.mark_dirty(x)
            return x

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return g

    a = torch.tensor(1.0, requires_grad=True, dtype=torch.double).clone()
    b = a * a
    Inplace.apply(a)
    b.backward()


@case
def nondiff_docs(torch):
    class Func(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            sorted, idx = x.sort()
            ctx.mark_non_differentiable(idx)
            ctx.save_for_backward(x, idx)
            return sorted, idx

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g1, g2):
            x, idx = ctx.saved_tensors
            grad_input = torch.zeros_like(x)
            grad_input.index_add_(0, idx, g1)
            return grad_input

    x = leaf(torch, 3.0, 1.0, 2.0)
    s, i = Func.apply(x)
    (s * torch.arange(3.0)).sum().backward()
    return x.grad, i, i.requires_grad


@case
def materialize_docs(torch):
    class SimpleFunc(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone(), x.clone()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g1, g2):
            return g1 + g2

    class Func(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x)
            return x.clone(), x.clone()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g1, g2):
            (x,) = ctx.saved_tensors
            grad_input = torch.zeros_like(x)
            if g1 is not None:
                grad_input += g1
            if g2 is not None:
                grad_input += g2
            return grad_input

    a = torch.tensor(1.0, requires_grad=True)
    b, _ = Func.apply(a)
    b.backward()
    c = torch.tensor(1.0, requires_grad=True)
    SimpleFunc.apply(c)[1].backward()
    return a.grad, c.grad


@case
def save_for_forward_docs(torch):
    fwAD = torch.autograd.forward_ad

    class Func(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, z):
            ctx.save_for_backward(x, y)
            ctx.save_for_forward(x, y)
            ctx.z = z
            return x * y * z

        @staticmethod
        def jvp(ctx, x_t, y_t, _):
            x, y = ctx.saved_tensors
            z = ctx.z
            return z * (y * x_t + x * y_t)

        @staticmethod
        def vjp(ctx, grad_out):
            x, y = ctx.saved_tensors
            z = ctx.z
            return z * grad_out * y, z * grad_out * x, None

    a = torch.tensor(1.0, requires_grad=True, dtype=torch.double)
    t = torch.tensor(1.0, dtype=torch.double)
    b = torch.tensor(2.0, requires_grad=True, dtype=torch.double)
    c = 4
    with fwAD.dual_level():
        a_dual = fwAD.make_dual(a, t)
        d = Func.apply(a_dual, b, c)
        u = fwAD.unpack_dual(d)
    d.backward()
    return u.primal.item(), u.tangent, a.grad, b.grad
