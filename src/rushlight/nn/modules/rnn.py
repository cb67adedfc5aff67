"""Recurrent layers and cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import rushlight
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.nn.utils.rnn import PackedSequence

from ...warning import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rushlight.tensor import Tensor

    State = tuple[Tensor, ...]  # (h,), and for the LSTM (h, c)

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _tanh_step(x: Tensor, state: State, h: Tensor) -> State:
    return ((x + h).tanh(),)


def _relu_step(x: Tensor, state: State, h: Tensor) -> State:
    return ((x + h).relu(),)


def _gru_step(x: Tensor, state: State, h: Tensor) -> State:
    x_reset, x_update, x_new = x.chunk(3, -1)
    h_reset, h_update, h_new = h.chunk(3, -1)
    reset = (x_reset + h_reset).sigmoid()
    update = (x_update + h_update).sigmoid()
    new = (x_new + reset * h_new).tanh()
    return (new + update * (state[0] - new),)


def _lstm_step(x: Tensor, state: State, h: Tensor) -> State:
    i, f, g, o = (x + h).chunk(4, -1)
    cell = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


# One step from the input's part and the hidden state's part of all gates.
_STEPS: dict[str, Callable[[Tensor, State, Tensor], State]] = {
    "RNN_TANH": _tanh_step,
    "RNN_RELU": _relu_step,
    "GRU": _gru_step,
    "LSTM": _lstm_step,
}


class RNNBase(Module):
    """Layers of a recurrence over (T, B, input_size) (or (B, T, input_size), (T, input_size), or packed).

    `mode` is `"RNN_TANH"`, `"RNN_RELU"`, `"GRU"` or `"LSTM"`.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        self._make_weights(device, dtype)
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}"
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("hidden_size", int)):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(getattr(self, name)).__name__}")
        if self.input_size <= 0:
            raise ValueError("input_size must be greater than zero")
        if self.hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _make_weights(self, device: Any, dtype: Any) -> None:
        gates = _GATES[self.mode] * self.hidden_size
        out_size = self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        self._weight_names: list[list[str]] = []  # per layer and direction
        for layer in range(self.num_layers):
            in_size = self.input_size if layer == 0 else out_size * directions
            for direction in range(directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, in_size), "weight_hh": (gates, out_size)}
                if self.bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if self.proj_size > 0:
                    shapes["weight_hr"] = (self.proj_size, self.hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(rushlight.empty(shape, device=device, dtype=dtype)))
                self._weight_names.append([name + suffix for name in shapes])

    def reset_parameters(self) -> None:
        """Draw all weights uniformly from +-1/sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights, in one list per layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._weight_names]

    def flatten_parameters(self) -> None:
        """Does nothing: it matters to PyTorch on GPUs only."""

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        packed = isinstance(input, PackedSequence)
        sizes: Any
        data, sizes, order, back = input if packed else (input, None, None, None)
        self._check_input(data, packed)
        batched = packed or data.dim() == 3
        if not batched:
            data = data.unsqueeze(1)
        elif self.batch_first and not packed:
            data = data.transpose(0, 1)
        steps = sizes.tolist() if packed else [data.size(1)] * data.size(0)
        batch = steps[0] if packed else data.size(1)

        states = self._initial_states(hx, data, batch, batched, order)
        if packed:
            data, finals = self._run(list(data.split(steps)), states, packed=True)
            data = rushlight.cat(data)
        else:
            rows, finals = self._run(list(data.unbind(0)), states, packed=False)
            data = rushlight.stack(rows)
        if back is not None:
            finals = tuple(final.index_select(1, back) for final in finals)
        if packed:
            output = PackedSequence(data, sizes, order, back)
        elif not batched:
            output, finals = data.squeeze(1), tuple(final.squeeze(1) for final in finals)
        else:
            output = data.transpose(0, 1) if self.batch_first else data
        return output, finals if self.mode == "LSTM" else finals[0]

    def _check_input(self, data: Tensor, packed: bool) -> None:
        dims = (2,) if packed else (2, 3)
        if data.dim() not in dims:
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {data.dim()}D instead")
        if data.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {data.size(-1)}"
            )

    def _initial_states(self, hx: Any, data: Tensor, batch: int, batched: bool, order: Tensor | None) -> State:
        rows = self.num_layers * (2 if self.bidirectional else 1)
        sizes = self._state_sizes()
        if hx is None:
            return tuple(data.new_zeros((rows, batch, size)) for size in sizes)
        states = tuple(hx) if self.mode == "LSTM" else (hx,)
        checked = []
        for place, (state, size) in enumerate(zip(states, sizes, strict=True)):
            wanted_dim = 3 if batched else 2
            if state.dim() != wanted_dim:
                raise RuntimeError(
                    f"For {'batched 3-D' if batched else 'unbatched 2-D'} input, hx should also be {wanted_dim}-D "
                    f"but got {state.dim()}-D tensor"
                )
            state = state if batched else state.unsqueeze(1)
            if tuple(state.shape) != (rows, batch, size):
                raise RuntimeError(
                    f"Expected {f'hidden[{place}]' if self.mode == 'LSTM' else 'hidden'} size {(rows, batch, size)}, "
                    f"got {list(state.shape)}"
                )
            checked.append(state if order is None else state.index_select(1, order))
        return tuple(checked)

    def _run(self, rows: list[Tensor], states: State, packed: bool) -> tuple[list[Tensor], State]:
        """All layers over the steps in `rows`; the outputs by step, and the final states."""
        directions = 2 if self.bidirectional else 1
        finals: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                place = layer * directions + direction
                start = tuple(state[place] for state in states)
                found, final = self._run_direction(rows, start, self.all_weights[place], reverse=direction == 1)
                outputs.append(found)
                finals.append(final)
            rows = outputs[0]
            if directions == 2:
                rows = [rushlight.cat(pair, -1) for pair in zip(*outputs, strict=True)]
            if self.dropout and self.training and layer < self.num_layers - 1:
                rows = self._drop(rows, packed)
        return rows, tuple(rushlight.stack(state) for state in zip(*finals, strict=True))

    def _drop(self, rows: list[Tensor], packed: bool) -> list[Tensor]:
        joined = F.dropout(rushlight.cat(rows) if packed else rushlight.stack(rows), self.dropout, True)
        return list(joined.split([row.size(0) for row in rows]) if packed else joined.unbind(0))

    def _run_direction(
        self, rows: list[Tensor], start: State, weights: Sequence[Tensor], reverse: bool
    ) -> tuple[list[Tensor], State]:
        """One layer in one direction. Steps may have fewer and fewer rows (packed): states end or start there."""
        weight_ih, weight_hh = weights[:2]
        bias_ih, bias_hh = weights[2:4] if self.bias else (None, None)
        weight_hr = weights[-1] if self.proj_size else None
        step = _STEPS[self.mode]
        inputs = F.linear(rushlight.cat(rows), weight_ih, bias_ih).split([row.size(0) for row in rows])
        count = rows[-1].size(0) if reverse else start[0].size(0)
        state = tuple(part[:count] for part in start) if reverse else start
        ended: list[State] = []
        outputs = []
        for x in reversed(inputs) if reverse else inputs:
            alive = x.size(0)
            if alive < count:
                ended.append(tuple(part[alive:] for part in state))
                state = tuple(part[:alive] for part in state)
            elif alive > count:
                state = tuple(
                    rushlight.cat([part, first[count:alive]]) for part, first in zip(state, start, strict=True)
                )
            count = alive
            state = step(x, state, F.linear(state[0], weight_hh, bias_hh))
            if weight_hr is not None:
                state = (F.linear(state[0], weight_hr), *state[1:])
            outputs.append(state[0])
        if ended:
            state = tuple(rushlight.cat(parts) for parts in zip(state, *reversed(ended), strict=True))
        return (outputs[::-1] if reverse else outputs), state

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, default in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with `nonlinearity="relu"`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.__dict__["nonlinearity"] = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with projections if `proj_size` (Sak et al. 2014).

    Returns `output, (h_n, c_n)`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al. 2014). Returns `output, h_n`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """One step of a recurrence."""

    _n_states = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        for name, shape in (
            ("weight_ih", (gates, input_size)),
            ("weight_hh", (gates, hidden_size)),
            ("bias_ih", (gates,)),
            ("bias_hh", (gates,)),
        ):
            if name.startswith("bias") and not bias:
                self.register_parameter(name, None)
            else:
                setattr(self, name, Parameter(rushlight.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights uniformly from +-1/sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _next_state(self, input: Tensor, hx: Any, mode: str) -> State:
        if input.dim() not in (1, 2):
            raise ValueError(f"{self._get_name()}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if hx is None:
            zeros = input.new_zeros((*input.shape[:-1], self.hidden_size))
            state = (zeros,) * self._n_states
        else:
            state = tuple(hx) if self._n_states == 2 else (hx,)
            for part in state:
                if part.dim() not in (1, 2):
                    raise ValueError(f"{self._get_name()}: Expected hidden to be 1D or 2D, got {part.dim()}D instead")
        x = F.linear(input, self.weight_ih, self.bias_ih)
        return _STEPS[mode](x, state, F.linear(state[0], self.weight_hh, self.bias_hh))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of an `RNN`: from (B, input_size) and (B, hidden_size) to (B, hidden_size)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._next_state(input, hx, f"RNN_{self.nonlinearity.upper()}")[0]


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`: from (B, input_size) and (h, c) to (h, c)."""

    _n_states = 2

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> State:
        return self._next_state(input, hx, "LSTM")


class GRUCell(RNNCellBase):
    """One step of a `GRU`: from (B, input_size) and (B, hidden_size) to (B, hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._next_state(input, hx, "GRU")[0]
