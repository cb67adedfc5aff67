"""What handlers see: which functions, with which arguments."""

from __future__ import annotations

from .programs import case, logging_class, logging_mode

CALLS = [
    "x + 1", "1 + x", "x - 1", "1 - x", "x * 2", "2 * x", "x / 2", "2 / x", "x // 2", "2 // x", "x % 2", "2 % x", "x ** 2",
    "2 ** x", "x @ x", "-x", "+x", "abs(x)", "x == 1", "x != 1", "x < 1", "x <= 1", "x > 1", "x >= 1", "1 < x", "x == x",
    "(x > 1) & (x > 0)", "(x > 1) | (x > 0)", "(x > 1) ^ (x > 0)", "~(x > 1)", "x.int() << 1", "x.int() >> 1", "x.__iadd__(1)",
    "x.__imul__(2)", "x.__isub__(1)", "x.__ipow__(2)", "x.add(1)", "x.add(other=1)", "x.add(1, alpha=2)", "torch.add(x, 1)",
    "torch.add(input=x, other=1)", "x.mul_(2)", "x.sum()", "x.sum(dim=0)", "x.sum(0)", "torch.sum(x, dim=0)", "x.mean()",
    "x.exp()", "x.exp_()", "torch.exp(x)", "torch.exp_(x)", "x.relu()", "torch.relu(x)", "F.relu(x)", "F.softmax(x, dim=0)",
    "x.softmax(0)", "x.view(2)", "x.reshape(-1)", "torch.reshape(x, (2,))", "x.T", "x.mT", "x.shape", "x.size()", "x.size(0)",
    "x.dim()", "x.ndim", "x.dtype", "x.device", "x.layout", "x.requires_grad", "x.is_leaf", "x.grad_fn", "x.grad", "x.data",
    "x._version", "x.output_nr", "x.is_sparse", "x.is_cuda", "x.itemsize", "x.nbytes", "x.retains_grad", "x.real",
    "x.is_quantized", "x.numel()", "x.nelement()", "x.stride()", "x.storage_offset()", "x.is_contiguous()", "x.contiguous()",
    "x.element_size()", "x.data_ptr() > 0", "x.is_floating_point()", "torch.is_floating_point(x)", "x.is_complex()", "x.tolist()",
    "x.numpy()", "x.detach()", "x.clone()", "torch.clone(x)", "x.requires_grad_()", "x.to(torch.float64)", "x.double()",
    "x.float()", "x.type()", "x.type_as(x)", "x.cpu()", "x[0]", "x[:1]", "x[x > 0]", "x[None]", "x.__setitem__(0, 1)",
    "x.index_select(0, i)", "torch.index_select(x, 0, i)", "len(x)", "bool(x.sum() > 0)", "float(x[0])", "int(x[0])",
    "complex(x[0])", "1.0 in x", "repr(x)", "str(x)", "format(x[0], '.2f')", "hash(x) > 0", "dir(x) is None",
    "x.backward(torch.ones(2)) if x.requires_grad else 0", "torch.zeros_like(x)", "torch.ones_like(x)", "torch.full_like(x, 2)",
    "torch.rand_like(x)", "torch.empty_like(x) is None", "x.new_zeros(2)", "x.new_ones(2)", "x.new_full((2,), 1)",
    "x.new_tensor([1])", "x.new_empty(2) is None", "torch.stack([x, x])", "torch.cat([x, x])", "torch.where(x > 0, x, x)",
    "torch.max(x)", "x.max(0)", "x.max()", "torch.matmul(x, x)", "x.matmul(x)", "x.dot(x)", "torch.dot(x, x)",
    "torch.einsum('i,i', x, x)", "torch.tensor(x)", "torch.as_tensor(x)", "torch.linalg.norm(x)", "x.norm()", "torch.norm(x)",
    "torch.fft.fft(x)", "torch.split(x, 1)", "x.split(1)", "x.chunk(2)", "x.unbind()", "x.unflatten(0, (1, 2))", "x.flatten()",
    "torch.flatten(x)", "x.squeeze()", "x.unsqueeze(0)", "x.transpose(0, 0)", "x.t()", "x.permute(0)", "x.expand(2, 2)",
    "x.repeat(2)", "x.var()", "torch.var(x)", "x.std()", "x.clamp(0, 1)", "torch.clamp(x, 0, 1)", "x.clamp(min=0)",
    "F.linear(x, torch.ones(2, 2))", "F.mse_loss(x, x)", "F.cross_entropy(x[None], i[:1])", "F.dropout(x)",
    "F.layer_norm(x, (2,))", "F.pad(x, (1, 1))", "F.one_hot(x.long())", "torch.nn.MSELoss()(x, x)",
    "torch.autograd.grad(x.sum(), x, allow_unused=True) if x.requires_grad else 0", "torch.equal(x, x)", "torch.allclose(x, x)",
    "x.allclose(x)", "x.equal(x)", "torch.is_tensor(x)", "isinstance(x, torch.Tensor)", "torch.numel(x)", "x.sort()",
    "torch.sort(x)", "x.argmax()", "x.cumsum(0)", "x.fill_(1)", "x.zero_()", "x.copy_(torch.ones(2))", "torch.ones(2).copy_(x)",
    "torch.ones(2) + x", "torch.ones(2) * x", "torch.ones(2) - x", "torch.ones(2) == x", "torch.ones(2) < x",
    "torch.ones(2).add_(x)", "torch.ones(2).__iadd__(x)", "torch.ones(2)[i]", "torch.ones(2)[y.long()]",
    "torch.ones(2).__setitem__(0, x[0])", "torch.ones(2).__setitem__(y.long(), 1.0)",
    "x.register_hook(print) if x.requires_grad else 0", "x.uniform_() is None", "x.normal_() is None", "x.masked_fill(x > 0, 0)",
    "x.gather(0, i)", "x.tile(2)", "x.roll(1)", "x.flip(0)", "x.diff()", "x.as_subclass(torch.Tensor)", "x.is_shared()",
    "x.ndimension()", "x.__len__()", "x.__array__() is None", "x.pow(2)", "x.square()", "x.sqrt()", "x.lerp(x, 0.5)",
    "x.addcmul(x, x)", "x.untyped_storage() is None", "setattr(x, 'grad', None)", "setattr(x, 'requires_grad', True)",
    "setattr(x, 'data', torch.ones(2))", "setattr(x, 'note', 1)", "x.view_as(x)", "x.expand_as(x)", "x.nonzero()",
    "torch.nonzero(x)", "torch.unique(x)", "x.unique()", "torch.meshgrid(x, x, indexing='ij')", "torch.broadcast_tensors(x, x)",
    "torch.atleast_2d(x)", "torch.tensordot(x, x, 1)", "torch.cdist(x[None], x[None])", "x.is_inference()", "x.is_conj()",
    "x.resolve_conj()", "x.conj()", "x.abs()", "torch.abs(x)", "x.sigmoid()", "x.tanh()", "x.log_softmax(0)",
    "torch.logsumexp(x, 0)", "x.prod()", "x.any()", "x.all()", "x.isnan()", "torch.isnan(x)", "torch.is_complex(x)",
    "torch.is_nonzero(x[0])", "x.get_device()", "x.swapaxes(0, 0)", "x.movedim(0, 0)", "x.narrow(0, 0, 1)", "x.select(0, 0)",
    "x.scatter(0, i, x)", "x.index_add(0, i, x)", "x.index_put((i,), x)", "x.bool()", "x.half()", "x.long()", "x.multiply(2)",
    "x.absolute()", "x.true_divide(2)", "x.div(2, rounding_mode='floor')", "x.outer(x)", "x.ger(x)",
]  # fmt: skip


def scope(torch, x):
    import copy

    return {"torch": torch, "F": torch.nn.functional, "x": x, "copy": copy, "i": torch.tensor([0, 1]), "y": x}


def counted(number, expression, prefix):
    def decorate(program):
        program.__name__ = f"{prefix}_{number}: {expression}"
        return case(program)

    return decorate


for number, expression in enumerate(CALLS):

    @counted(number, expression, "subclass")
    def by_subclass(torch, expression=expression):
        log = []
        x = torch.tensor([1.0, 2.0]).as_subclass(logging_class(torch, log))
        x.requires_grad = "backward" in expression or "grad(" in expression or "hook" in expression
        names = scope(torch, x)
        log.clear()
        result = eval(expression, names)
        seen = list(log)
        return type(result).__name__, seen

    @counted(number, expression, "mode")
    def by_mode(torch, expression=expression):
        log = []
        x = torch.tensor([1.0, 2.0])
        x.requires_grad = "backward" in expression or "grad(" in expression or "hook" in expression
        names = scope(torch, x)
        with logging_mode(torch, log):
            result = eval(expression, names)
        return type(result).__name__, log
