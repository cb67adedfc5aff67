"""Modules that are compared with PyTorch: how each is made and run. Works with either library as `torch`."""

from __future__ import annotations

LAYERS = """
Identity()
Linear(3, 4)
Linear(3, 4, bias=False)
Linear(20, 30)
Linear(3, 4, dtype=torch.float64)
Bilinear(2, 3, 4)
ReLU()
ReLU(True)
RReLU()
Hardtanh(-2, 2, True)
ReLU6()
Sigmoid()
Hardsigmoid(True)
Tanh()
SiLU(True)
Mish()
Hardswish()
ELU(1., True)
CELU()
SELU(True)
GLU()
GELU('tanh')
Hardshrink()
Softshrink()
LeakyReLU(.2)
LogSigmoid()
Softplus()
PReLU(4)
Softsign()
Tanhshrink()
Softmin()
Softmax(1)
Softmax2d()
LogSoftmax(-1)
Threshold(1, 2)
Dropout()
Dropout(.2, True)
Dropout1d()
Dropout2d()
Dropout3d()
AlphaDropout()
FeatureAlphaDropout()
LayerNorm(3)
LayerNorm((3, 4), bias=False)
LayerNorm([3, 4], elementwise_affine=False)
RMSNorm(4)
RMSNorm(4, 1e-3, False)
GroupNorm(2, 4)
GroupNorm(2, 4, affine=False)
LocalResponseNorm(2)
BatchNorm1d(3)
BatchNorm2d(3, affine=False)
BatchNorm3d(3, track_running_stats=False)
SyncBatchNorm(3)
InstanceNorm1d(3)
InstanceNorm2d(3, affine=True)
InstanceNorm3d(3, track_running_stats=True)
Embedding(5, 4)
Embedding(5, 4, padding_idx=-2)
Embedding(5, 4, 1, 1., 1.5, True, True)
EmbeddingBag(5, 4, mode='sum', padding_idx=1)
EmbeddingBag(5, 4, max_norm=1., norm_type=1., scale_grad_by_freq=True)
Embedding.from_pretrained(torch.ones(3, 2))
L1Loss()
NLLLoss(torch.ones(3))
PoissonNLLLoss()
GaussianNLLLoss()
KLDivLoss()
MSELoss()
BCELoss()
BCEWithLogitsLoss(pos_weight=torch.ones(2))
HingeEmbeddingLoss()
MultiLabelMarginLoss()
SmoothL1Loss()
HuberLoss()
SoftMarginLoss()
CrossEntropyLoss(torch.ones(2))
MultiLabelSoftMarginLoss()
CosineEmbeddingLoss()
MarginRankingLoss()
MultiMarginLoss()
TripletMarginLoss()
TripletMarginWithDistanceLoss()
CTCLoss()
CosineSimilarity()
PairwiseDistance()
Flatten()
Unflatten(1, (2, 3))
Unfold(2)
Fold(4, 2)
PixelShuffle(2)
PixelUnshuffle(2)
ChannelShuffle(2)
Upsample(2)
Upsample(scale_factor=2)
UpsamplingBilinear2d(scale_factor=(2, 3))
UpsamplingNearest2d(3)
ZeroPad2d(1)
ConstantPad1d(1, 2)
ConstantPad2d([1, 2, 3, 4], 2)
ReflectionPad1d(1)
ReplicationPad3d((1, 2, 3, 4, 5, 6))
CircularPad2d(2)
MaxPool1d(2)
MaxPool2d((2, 3), 1, return_indices=True)
AvgPool1d(2)
AvgPool2d(2, 3)
LPPool2d(2, 3, ceil_mode=True)
MaxUnpool2d(2, 3, 1)
FractionalMaxPool2d(2, 3)
AdaptiveAvgPool2d((2, None))
AdaptiveMaxPool3d(2, True)
Conv1d(2, 4, 3)
Conv2d(2, 4, 3, 2, 1, 1, 2, False, 'circular')
Conv2d(2, 4, (3, 5), padding='same', padding_mode='reflect')
Conv3d(1, 1, 2, dilation=2)
ConvTranspose1d(2, 3, 4)
ConvTranspose2d(2, 4, 3, 2, 1, 1, 2, False, 2)
LSTM(2, 3)
GRU(2, 3, 2, dropout=.1, bidirectional=True, batch_first=True, bias=False)
RNN(2, 3, nonlinearity='relu')
LSTM(2, 3, 2, bidirectional=True, proj_size=1)
LSTMCell(2, 3)
GRUCell(2, 3, bias=False)
RNNCell(2, 3, nonlinearity='relu')
MultiheadAttention(4, 2)
MultiheadAttention(4, 2, kdim=3)
MultiheadAttention(4, 2, bias=False, add_bias_kv=True, batch_first=True, dropout=.1)
TransformerEncoderLayer(4, 2)
Transformer(8, 2, 1, 1, 16)
TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2)
Sequential(nn.Linear(1, 2), nn.ReLU())
ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(1, 1)])
ModuleDict({'a': nn.ReLU()})
ParameterList([nn.Parameter(torch.ones(2)), 5])
ParameterDict({'b': nn.Parameter(torch.ones(2)), 'a': 5})
""".strip().splitlines()

# Each line: a module, "|", and what it is called with.
FORWARD = """
Linear(4, 3) | x
Bilinear(4, 4, 2) | x, 2 * x
Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)) | x
BatchNorm1d(4) | x.reshape(15, 4)
BatchNorm1d(4, momentum=None).eval() | x.reshape(15, 4)
InstanceNorm1d(3, affine=True) | x
GroupNorm(3, 3) | x
Embedding(6, 3, padding_idx=0) | torch.tensor([[0, 1, 5], [2, 2, 0]])
Conv1d(3, 6, 2, groups=3) | x
Conv2d(1, 2, 3, padding='same', padding_mode='circular') | x.reshape(1, 1, 6, 10)
ConvTranspose2d(1, 2, 3, stride=2) | x.reshape(1, 1, 6, 10), (14, 22)
LSTM(4, 3) | x
LSTM(4, 3, 2, bidirectional=True, proj_size=2) | x
LSTM(4, 3, batch_first=True) | x, (ones(1, 5, 3), 2 * ones(1, 5, 3))
GRU(4, 3, 2, bias=False) | x[:, 0]
RNN(4, 3, nonlinearity='relu', bidirectional=True) | x
LSTM(4, 3, 2, bidirectional=True) | rnn.pack_sequence([x[:2, 0], x[:, 1], x[:3, 2]], enforce_sorted=False)
GRU(4, 3, 2, bidirectional=True) | rnn.pack_padded_sequence(x, [5, 3, 1])
LSTMCell(4, 3) | x[0]
GRUCell(4, 3) | x[0], ones(3, 3)
RNNCell(4, 3) | x[0, 0]
MultiheadAttention(4, 2) | x, x, x
MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True) | x, 2 * x, 3 * x, padding
MultiheadAttention(4, 2, batch_first=True, bias=False) | x, x, x, None, False, causal(3)
TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.), 2, nn.LayerNorm(4)) | x, causal(5)
TransformerEncoderLayer(4, 2, 8, dropout=0., norm_first=True, activation='gelu') | x, None, padding
Transformer(4, 2, 1, 1, 8, dropout=0.) | x, 2 * x, None, causal(5)
""".strip().splitlines()


def build(torch, text):
    """The module that the expression `text` makes, from seed 1."""
    torch.manual_seed(1)
    return eval("nn." + text, {"nn": torch.nn, "torch": torch})


def describe_layer(torch, text):
    """Its repr, its state (dtype, shape, first values), what requires grad, and the random number that comes next."""
    module = build(torch, text)
    state = {
        name: [str(value.dtype), list(value.shape), value.flatten()[:4].tolist()]
        for name, value in module.state_dict().items()
    }
    trained = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    return [repr(module), state, trained, torch.rand(1).item()]


def describe_run(torch, text):
    """Outputs (shape, first and last values), and the sum of |gradient| per parameter, for a weighted sum of them."""
    maker, call = text.split(" | ")
    module = build(torch, maker)
    scope = {
        "torch": torch,
        "rnn": torch.nn.utils.rnn,
        "ones": torch.ones,
        "x": (torch.arange(60.0) * 0.7).sin().reshape(5, 3, 4),
        "padding": torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]]),
        "causal": lambda n: torch.full((n, n), float("-inf")).triu(1),
    }
    outputs = [value for value in _tensors(eval(f"module({call})", {**scope, "module": module}))]
    outputs = [value for value in outputs if value.is_floating_point()]
    weights = [(torch.arange(float(value.numel())) * 0.3).cos().reshape(value.shape) for value in outputs]
    sum((value * weight).sum() for value, weight in zip(outputs, weights, strict=True)).backward()
    shown = [[list(value.shape), value.flatten()[:3].tolist(), value.flatten()[-3:].tolist()] for value in outputs]
    grads = {name: parameter.grad.abs().sum().item() for name, parameter in module.named_parameters()
             if parameter.grad is not None}
    return [shown, grads]


def _tensors(value):
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in _tensors(part)]
    return [] if value is None else [value]
