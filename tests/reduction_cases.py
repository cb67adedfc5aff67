"""Calls of reductions, scans and sorting at ties, zeros, NaN and edges, for PyTorch (the reference) and us alike."""

nan, inf = float("nan"), float("inf")

# Expressions in x, a float64 leaf with these values: the result, and gradients of the first and second order.
GRADIENTS = {
    "x.prod()": [[2.0, 3.0, 4.0], [2.0, 0.0, 3.0, 4.0], [2.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0]],
    "x.prod(1)": [[[2.0, 0.0, 3.0], [1.0, 2.0, 3.0]]],
    "x.prod(0, keepdim=True)": [[[2.0, 0.0], [0.0, 0.0], [1.0, 3.0]]],
    "x.cumprod(0)": [[2.0, 3.0, 4.0], [2.0, 0.0, 3.0, 0.0, 4.0], [0.0, 1.0]],
    "x.cumsum(0)": [[2.0, 3.0, 4.0]],
    "x.logcumsumexp(0)": [[1.0, -1000.0, 2.0], [0.5, 0.1, -0.3]],
    "x.cummax(0)[0]": [[1.0, 3.0, 3.0, 2.0], [1.0, nan, 3.0]],
    "x.cummin(0)[0]": [[3.0, 1.0, 1.0, 2.0]],
    "x.max()": [[1.0, 2.0, 2.0], [1.0, nan, nan]],
    "x.min()": [[2.0, 1.0, 1.0]],
    "x.max(0)[0]": [[1.0, 2.0, 2.0], [1.0, nan, 2.0]],
    "x.min(0, True)[0]": [[2.0, 1.0, 1.0]],
    "x.amax(0)": [[1.0, 2.0, 2.0]],
    "x.amin()": [[1.0, 1.0, 2.0]],
    "x.aminmax()[1]": [[1.0, 2.0, 2.0]],
    "torch.max(x, 2 * x)": [[1.0, -1.0, 0.0]],
    "x.median()": [[1.0, 1.0, 2.0], [1.0, nan, 2.0], [4.0, 1.0, 3.0, 2.0]],
    "x.nanmedian()": [[1.0, nan, 2.0], [nan, 5.0, 1.0, 3.0]],
    "x.nanmedian(0)[0]": [[5.0, nan, 2.0]],
    "x.mode()[0]": [[1.0, 2.0, 2.0, 1.0], [3.0, 2.0, 2.0]],
    "x.kthvalue(3)[0]": [[4.0, 2.0, 3.0, 1.0]],
    "x.topk(2)[0]": [[1.0, 3.0, 2.0]],
    "x.topk(2, largest=False)[0]": [[1.0, 3.0, nan]],
    "x.sort(descending=True)[0][:2]": [[1.0, nan, 2.0]],
    "x.msort()": [[[3.0, 1.0], [2.0, 4.0]]],
    "x.std()": [[2.0, 4.0, 5.0], [2.0, 2.0]],
    "x.std(0, correction=0)": [[[1.0, 2.0], [1.0, 5.0]]],
    "x.var(correction=0)": [[1.0, 2.0, 4.0]],
    "x.var(False)": [[1.0, 2.0, 4.0]],
    "torch.var_mean(x)[1]": [[1.0, 2.0, 4.0]],
    "torch.std_mean(x, 0, False)[0]": [[1.0, 2.0, 4.0]],
    "x.nansum()": [[1.0, nan]],
    "x.nanmean()": [[1.0, nan, 5.0]],
    "x.logsumexp(0)": [[1000.0, 1000.0], [1.0, 2.0], [-inf, 1.0]],
    "x.quantile(0.4)": [[4.0, 1.0, 3.0, 2.0], [4.0, nan, 3.0, 2.0]],
    "x.quantile(0.4, interpolation='midpoint')": [[4.0, 1.0, 3.0, 2.0]],
    "x.nanquantile(0.5)": [[4.0, nan, 3.0, 9.0]],
    "x.renorm(2, 0, 1.0)": [[[3.0, 4.0], [0.1, 0.2]]],
    "x.norm(3)": [[1.0, -2.0]],
    "x.norm(1)": [[0.5, -2.0]],
    "x.norm(-1)": [[2.0, 1.0]],
    "torch.dist(x, 2 * x, 1.5)": [[1.0, 2.0]],
    "x.diff()": [[1.0, 4.0, 9.0]],
    "torch.trapezoid(x, dx=0.5)": [[1.0, 4.0, 9.0]],
    "torch.cumulative_trapezoid(x)": [[1.0, 4.0, 9.0]],
    "torch.cov(x)": [[[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]]],
    "torch.corrcoef(x)": [[[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]]],
    "x.sum_to_size(1, 2)": [[[1.0, 2.0], [3.0, 4.0]]],
}

# The same where PyTorch's second derivative is NaN, and ours is not.
FIRST_ORDER = {
    "x.norm()": [[3.0, 4.0], [0.0, 0.0]],
    "x.norm(1)": [[0.0, -2.0]],
    "x.norm(inf)": [[1.0, -2.0, 2.0]],
    "x.norm(0.5)": [[0.0, 4.0]],
    "x.norm(3)": [[0.0, 0.0]],
    "x.norm(-1)": [[0.0, 1.0]],
    "x.norm(0)": [[0.0, 1.0]],
    "torch.dist(x, x)": [[1.0, 2.0]],
}

# Expressions in x (2 by 3, float64, requires grad), i (int32) and e (0 by 3): node names, types, shapes, or the error.
CALLS = """
x.sum() | x.sum(0) | x.sum(()) | x.sum([0, 1]) | x.sum(axis=0, keepdims=True) | x.sum(dtype=torch.float32) | x.sum(5)
x.sum((0, 0)) | i.sum() | i.sum(0) | (i > 1).sum() | i.to(torch.uint8).sum() | i.prod() | i.cumsum(0) | i.cumprod(0)
i.sum(dtype=torch.float32) | x.detach().sum(dtype=torch.int64) | e.sum() | e.sum(0) | e.prod(0)
torch.tensor(3.0).sum(0) | torch.tensor(3.0).sum(-1) | torch.tensor(3.0).sum(1) | x.nansum(0) | x.nanmean(0)
i.nansum() | x.mean() | x.mean((0, 1), True) | i.mean() | i.mean(dtype=torch.float32) | e.mean(0) | x.prod()
x.prod(1) | x.prod((0, 1)) | x.max() | x.max(0) | x.max(1, True) | x.min(axis=0) | torch.max(x, x) | x.max((0, 1))
x.max(5) | e.max() | e.max(0) | e.max(1) | e.amax() | e.amax(0) | e.argmax() | e.argmax(0) | e.aminmax() | i.max()
i.max(0) | (1j * x).max() | x.amax((0, 1)) | x.amin(()) | x.aminmax(dim=0, keepdim=True) | x.argmax()
x.argmin(1, True) | x.argmax(keepdim=True) | x.all() | x.any(dim=()) | i.to(torch.uint8).any(0) | x.all((0, 1))
e.all() | e.any(0) | x.count_nonzero() | x.count_nonzero((0, 1)) | x.var() | x.var(0, False, True)
x.var(1, correction=2) | x.std((0, 1)) | torch.var_mean(x, 0) | torch.std_mean(x) | i.var() | e.var(0) | x.norm()
x.norm('fro') | x.norm(2, (0, 1), True) | x.norm('nuc') | x.norm(p=None) | i.norm() | e.norm(inf, 0) | e.norm(inf)
e.norm() | x.norm('x') | x.logsumexp(0) | x.logsumexp((0, 1), True) | i.logsumexp(0) | e.logsumexp(0)
x.sum_to_size(1, 3) | x.sum_to_size(5) | x.cumsum(0) | x.cumsum() | x.cumsum(0, dtype=torch.float32) | x.cumprod(-1)
x.cummax(0) | x.cummin(1) | x.cumsum(2) | i.logcumsumexp(0) | x.sort() | x.sort(0, True) | x.sort(stable=True)
(1j * x).sort() | x.argsort(0) | x.topk(2) | x.topk(7) | e.sort(0) | x.kthvalue(2) | x.kthvalue(0) | x.kthvalue(9)
e.kthvalue(1, 0) | x.median() | x.median(0) | x.nanmedian(1, True) | e.median(0) | e.median() | x.mode() | e.mode(0)
x.unique() | x.unique(return_inverse=True, return_counts=True) | torch.unique(x, dim=0) | x.unique_consecutive()
torch.searchsorted(x[0], x) | torch.searchsorted(x, 1.0) | torch.searchsorted(x[0], i) | torch.searchsorted(i[0], 1.5)
torch.searchsorted(x, x, out_int32=True) | torch.searchsorted(x[0], x, right=True, side='left')
torch.bucketize(x, x) | torch.bucketize(1, i[0]) | x.quantile(2.0) | i.quantile(0.5) | e.quantile(0.5)
x.detach().quantile(torch.tensor([0.5], dtype=torch.float64), 1, True) | torch.histc(x, 4) | torch.histc(i)
torch.histc(x, 0) | torch.histogram(x.detach(), 4) | torch.histogram(i, 4) | torch.bincount(i[0])
torch.bincount(-i[0]) | torch.bincount(x[0]) | torch.bincount(i[0], minlength=9) | torch.bincount(i[0], x.detach()[0])
x.nonzero() | x.nonzero(as_tuple=True) | torch.argwhere(x) | torch.tensor(3.0).nonzero() | torch.isin(i, 2)
torch.isin(1, i) | x.diff(2) | torch.cov(x, fweights=i[0]) | torch.cov(x, aweights=i[0]) | torch.tensor(3.0).diff()
torch.tensor(3.0).sort() | torch.tensor(3.0).topk(1)
"""


def calls() -> list[str]:
    """The expressions of CALLS."""
    return [one.strip() for line in CALLS.strip().splitlines() for one in line.split("|") if one.strip()]


def differentiate(torch, expression, values, orders):
    """`[result, gradient, second gradient]`, as nested lists."""
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    found = [eval(expression, {"torch": torch, "x": x, "inf": inf})]
    for order in range(orders):
        if not found[-1].requires_grad:
            break
        weights = torch.arange(1, found[-1].numel() + 1, dtype=torch.float64).reshape(found[-1].shape)
        total = (found[-1] * weights).sum()
        found += torch.autograd.grad(total, x, create_graph=order + 1 < orders, materialize_grads=True)
    return [(one.detach() + 0).tolist() for one in found]


def describe(torch, expression):
    """Of each result its node's name, type and shape; of an error its type and the first words of its message."""
    scope = {
        "x": torch.tensor([[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]], dtype=torch.float64, requires_grad=True),
        "i": torch.tensor([[1, 2, 2], [0, 3, 1]], dtype=torch.int32),
        "e": torch.zeros(0, 3),
    }
    try:
        result = eval(expression, scope | {"torch": torch, "inf": inf})
    except Exception as error:
        return [type(error).__name__, str(error).strip().splitlines()[0][:60]]
    results = result if isinstance(result, tuple) else (result,)
    kind = type(result).__name__ if type(result) is not tuple and isinstance(result, tuple) else ""
    return [kind, *([one.grad_fn and one.grad_fn.name(), str(one.dtype), list(one.shape)] for one in results)]
