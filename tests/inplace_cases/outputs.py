"""Results written into tensors given as `out=`."""

from __future__ import annotations

from .programs import case, matrix, start, tried


@case
def into_views(torch):
    base = torch.zeros(3, 3, dtype=torch.float64)
    row, column, turned = base[0], base[:, 1], base.t()
    one = torch.ones(3, dtype=torch.float64)
    found = [torch.add(one, 1, out=row) is row, torch.mul(one, 5, out=column) is column]
    torch.exp(torch.eye(3, dtype=torch.float64)[:2], out=base[1:])
    torch.mm(matrix(torch), matrix(torch), out=turned)
    return found, base, turned.stride(), base._version, row._version, row._base is base


@case
def larger_views(torch):
    base = torch.zeros(2, 3, dtype=torch.float64)
    view = base[0, :2]
    warned = tried(torch.add, torch.ones(3, dtype=torch.float64), 1)
    result = tried(lambda: torch.add(torch.ones(5, dtype=torch.float64), 1, out=view).shape)
    return warned, result, base, view, view._base is base, view.data_ptr() == base.data_ptr(), base._version


@case
def resizing(torch):
    one = torch.ones(3, dtype=torch.float64)
    empty, small, large = (torch.zeros(n, dtype=torch.float64) for n in (0, 2, 8))
    return (
        tried(lambda: torch.add(one, 1, out=empty)), tried(lambda: torch.add(one, 1, out=small)),
        tried(lambda: torch.add(one, 1, out=large)), empty.shape, small.shape, large.shape, large.resize_(8).shape, large,
    )  # fmt: skip


@case
def outputs_that_are_inputs(torch):
    row, whole = torch.ones(3, dtype=torch.float64), matrix(torch)
    w = matrix(torch).requires_grad_()
    return [
        tried(lambda: torch.add(row, whole, out=row)), tried(lambda: torch.mul(whole, row, out=whole)),
        tried(lambda: torch.add(w, torch.ones(5), out=whole)), tried(lambda: torch.mm(w, torch.ones(5), out=whole)),
        tried(lambda: torch.argmax(w, 0, out=torch.zeros(3, dtype=torch.int64))),
    ]  # fmt: skip


@case
def memory_shared_with_inputs(torch):
    x = matrix(torch)
    flat = x.reshape(-1)
    return [
        tried(lambda: torch.add(flat[:-1], 1, out=flat[1:])), tried(lambda: torch.sin(x, out=x.t())),
        tried(lambda: torch.mul(x, 2, out=x)), tried(lambda: torch.sub(x, x.t(), out=x)), tried(lambda: torch.mm(x, x, out=x)),
        tried(lambda: torch.mul(flat[:4], 2, out=flat[4:8])), tried(lambda: torch.add(x[0], 1, out=x[:, 0])),
        tried(lambda: torch.add(x, 1, out=x[:, :1].expand(3, 3))), tried(lambda: torch.cumsum(x, 0, out=x)),
        tried(lambda: torch.cat([x, x], out=torch.zeros(2, 1, dtype=torch.float64).expand(2, 18).reshape(0)).shape),
    ]  # fmt: skip


@case
def types(torch):
    x = matrix(torch)

    def into(function, *args):
        made = []
        for kind in (torch.float32, torch.int64):
            result = tried(lambda kind=kind: function(*args, out=torch.zeros(9, dtype=kind).resize_(0)))
            made.append(str(result.dtype) if isinstance(result, torch.Tensor) else result)
        return made

    return {
        "sin": into(torch.sin, x), "add": into(torch.add, x, 1), "eq": into(torch.eq, x, x), "sum": into(torch.sum, x, 0),
        "cumsum": into(torch.cumsum, x, 0), "mm": into(torch.mm, x, x),
        "softmax": into(torch.softmax, x, 0), "gather": into(torch.gather, x, 0, torch.zeros(1, 1, dtype=torch.int64)),
        "argmax": into(torch.argmax, x, 0), "tril": into(torch.tril, x), "inv": into(torch.linalg.inv, torch.eye(2).double()),
        "addmm": into(torch.addmm, x, x, x), "lerp": into(torch.lerp, x, x, 0.5), "std": into(torch.std, x, 0),
    }  # fmt: skip


@case
def several_results(torch):
    x = matrix(torch)
    values, places = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.int64)
    made = torch.max(x, 0, out=(values, places))
    torch.sort(x[0], descending=True, out=(x[0], places))
    return made[0] is values, made.indices is places, values, places, x, values._version


@case
def gradients(torch):
    w, x = start(torch)
    c = matrix(torch, 2, 3)
    leaf = matrix(torch, 2, 3).requires_grad_()
    refused = [
        tried(lambda: torch.mul(w, 2, out=c)), tried(lambda: torch.mul(c, 2, out=leaf)), tried(lambda: torch.mul(c, 2, out=x)),
        tried(lambda: torch.mul(c[0], 2, out=x[0])), tried(lambda: torch.cat([w, w], out=c)), tried(lambda: torch.gt(w, 2, out=c)),
    ]  # fmt: skip
    with torch.no_grad():
        torch.mul(w, 2, out=leaf)
        torch.mul(c, 3, out=x)
    return refused, leaf, leaf.is_leaf, leaf._version, x


@case
def factories(torch):
    v = torch.zeros(3, requires_grad=True)
    out = torch.ones(3)
    made = torch.full((3,), 2.0, out=out) is out
    refused = tried(lambda: torch.zeros(3, out=v))[0]
    with torch.no_grad():
        torch.ones(3, out=v)
    return made, out, refused, v, torch.linspace(0, 1, 3, out=out)
