"""Profiles: what they time, how calls nest, the table, the trace, and schedules."""

from __future__ import annotations

import gzip
import json
import time

import pytest

import rushlight as torch
from rushlight.autograd.modes import state
from rushlight.autograd.profiler import EventList
from rushlight.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler


def work():
    """A forward and a backward pass."""
    x = torch.ones(20, 20, requires_grad=True)
    with record_function("mine"):
        y = (x @ x).tanh().sum()
    y.backward()


def names(profiled):
    return [event.name for event in profiled.function_events]


def test_what_is_timed():
    with torch.autograd.profiler.profile() as profiled:
        work()
    assert names(profiled) == [
        "aten::ones", "mine", "aten::matmul", "aten::tanh", "aten::sum", "SumBackward0", "TanhBackward0", "MmBackward0"
    ]  # fmt: skip
    mine = profiled.function_events[1]
    assert [child.name for child in mine.cpu_children] == ["aten::matmul", "aten::tanh", "aten::sum"]
    assert mine.cpu_children[0].cpu_parent is mine
    assert mine.cpu_time_total >= sum(child.cpu_time_total for child in mine.cpu_children)
    assert mine.self_cpu_time_total == pytest.approx(mine.cpu_time_total - sum(c.cpu_time_total for c in mine.cpu_children))
    starts = [event.time_range.start for event in profiled.function_events]
    assert starts == sorted(starts)


def test_times_are_times():
    with torch.autograd.profiler.profile() as profiled, record_function("sleeping"):
        time.sleep(0.02)
    assert 20_000 <= profiled.function_events[0].cpu_time_total < 2_000_000
    assert profiled.self_cpu_time_total == profiled.function_events[0].cpu_time_total
    assert profiled.total_average().count == 1


def test_functions_and_composites_are_one_event_each():
    with torch.autograd.profiler.profile() as profiled:
        x = torch.ones(3, 2)
        torch.nn.functional.cross_entropy(x, torch.zeros(3, dtype=torch.int64))
        x.var()
        x += 1
    assert names(profiled) == ["aten::ones", "aten::zeros", "aten::cross_entropy", "aten::var", "aten::add_"]


def test_the_table():
    with torch.autograd.profiler.profile(record_shapes=True, profile_memory=True) as profiled:
        work()
        work()
    averages = profiled.key_averages()
    table = averages.table(sort_by="self_cpu_time_total", row_limit=3)
    lines = table.splitlines()
    assert lines[0] == lines[2] == lines[6] and set(lines[0]) == {"-", " "}
    assert lines[1].split()[0] == "Name"
    for column in ("Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "CPU Mem", "# of Calls"):
        assert column in lines[1]
    assert lines[-1].startswith("Self CPU time total: ")
    times = [average.self_cpu_time_total for average in averages]
    assert lines[3].split()[0] == max(averages, key=lambda one: one.self_cpu_time_total).key
    assert sum(times) == pytest.approx(averages.self_cpu_time_total)
    assert {average.key: average.count for average in averages}["MmBackward0"] == 2
    by_count = averages.table(sort_by="count", row_limit=-1, header="Title", time_unit="us")
    assert "Title" in by_count and "ms" not in by_count
    shapes = {average.input_shapes for average in profiled.key_averages(group_by_input_shape=True) if average.key == "aten::matmul"}
    assert shapes == {"[[20, 20], [20, 20]]"}
    memory = {average.key: average.cpu_memory_usage for average in averages}
    assert memory["aten::matmul"] == 2 * 1600 and memory["mine"] == 2 * (1600 + 1600 + 4)
    assert EventList().table() == ""
    with pytest.raises(ValueError, match="Unknown time_unit"):
        averages.table(time_unit="h")


def test_the_trace(tmp_path):
    with torch.autograd.profiler.profile(with_stack=True) as profiled:
        work()
    profiled.export_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = trace["traceEvents"]
    assert [event["name"] for event in events] == names(profiled)
    assert all(event["ph"] == "X" and event["dur"] >= 0 and event["pid"] and event["tid"] for event in events)
    assert events[1]["cat"] == "user_annotation" and events[2]["cat"] == "cpu_op"
    assert __file__ in events[2]["args"]["Call stack"][0]


def test_a_schedule():
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    short = {"NONE": "n", "WARMUP": "w", "RECORD": "r", "RECORD_AND_SAVE": "s"}
    assert "".join(short[plan(step).name] for step in range(11)) == "nnwrsnwrsnn"
    with pytest.warns(UserWarning, match="warmup"):
        assert "".join(short[schedule(wait=0, warmup=0, active=1)(step).name] for step in range(3)) == "sss"
    assert schedule(wait=0, warmup=1, active=1)(0) is ProfilerAction.WARMUP
    with pytest.raises(AssertionError, match=r"Invalid profiler schedule arguments. Got wait=0 \(need >= 0\)"):
        schedule(wait=0, warmup=0, active=0)


def test_a_profile_by_steps():
    seen = []
    x = torch.ones(4)
    with profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=1, warmup=1, active=2, repeat=1),
        on_trace_ready=lambda profiled: seen.append((profiled.step_num, [event.name for event in profiled.events()])),
    ) as profiled:
        for _ in range(6):
            x.sum()
            profiled.step()
    assert seen == [(4, ["ProfilerStep*", "aten::sum", "ProfilerStep*", "aten::sum"])]
    assert [event.trace_name for event in profiled.events()][::2] == ["ProfilerStep#2", "ProfilerStep#3"]


def test_a_profile_of_a_block(tmp_path):
    ready = []
    with profile(on_trace_ready=ready.append, record_shapes=True) as profiled:
        torch.ones(2).sum()
    assert ready == [profiled]
    assert [average.key for average in profiled.key_averages()] == ["aten::ones", "aten::sum"]
    profiled.add_metadata("who", "me")
    tensorboard_trace_handler(str(tmp_path), "worker", use_gzip=True)(profiled)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("worker.") and path.name.endswith(".pt.trace.json.gz")
    assert json.loads(gzip.decompress(path.read_bytes()))["who"] == "me"


def test_record_function_decorates_and_does_nothing_alone():
    @record_function("named")
    def function():
        return torch.ones(1)

    function()
    with torch.autograd.profiler.profile() as profiled:
        function()
    assert names(profiled) == ["named", "aten::ones"]


def test_off_means_off():
    before = state.active
    profiled = torch.autograd.profiler.profile(enabled=False)
    with profiled as entered:
        work()
    assert entered is None and profiled.key_averages() == [] and profiled.table() == ""
    assert repr(profiled) == "<unfinished torch.autograd.profile>"
    with pytest.raises(ZeroDivisionError), torch.autograd.profiler.profile():
        _ = 1 / 0
    assert state.active == before


def test_operations_are_counted():
    x, batch = torch.ones(3, 3), torch.ones(2, 4, 3)
    with profile(with_flops=True) as profiled:
        _ = x @ x, batch @ x, torch.addmm(x, x, x), torch.bmm(batch, batch.mT), x + x, x * x, x - x
        torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(4, 3, 3, 3))
        torch.nn.functional.linear(batch, x)
    counts = [(event.name.removeprefix("aten::"), event.flops) for event in profiled.events() if event.flops]
    assert counts == [("matmul", 54), ("matmul", 144), ("addmm", 54), ("bmm", 192), ("add", 9), ("mul", 9), ("conv2d", 7776),
                      ("linear", 144)]  # fmt: skip
    assert "Total FLOPs" in profiled.key_averages().table()


def test_stacks(tmp_path):
    with profile(with_stack=True) as profiled:
        work()
    profiled.export_stacks(tmp_path / "stacks.txt", "self_cpu_time_total")
    lines = (tmp_path / "stacks.txt").read_text().splitlines()
    assert lines and all(line.rpartition(" ")[2].isdigit() and __file__ in line for line in lines)
    with pytest.raises(ValueError, match="metric should be one of: \\['self_cpu_time_total'"):
        profiled.export_stacks(tmp_path / "stacks.txt", "nonsense")


def test_what_is_refused_or_warned_of():
    with pytest.warns(UserWarning, match="won't be using warmup"):
        schedule(wait=0, warmup=0, active=1)
    with pytest.raises(AssertionError, match="Step must be non-negative. Got -1."):
        schedule(wait=0, warmup=1, active=1)(-1)
    with pytest.raises(AssertionError, match="Profiler must be initialized before accessing events"):
        profile().events()
    with pytest.warns(UserWarning, match="CUDA is not available, disabling CUDA profiling"):
        profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    with pytest.raises(AssertionError, match="No valid profiler activities found"):
        profile(activities=[])
    with pytest.raises(AssertionError, match="Expected record to be set"):
        record_function("never entered").__exit__(None, None, None)
    once = torch.autograd.profiler.profile()
    with once:
        pass
    with pytest.raises(RuntimeError, match="Profiler context manager is not reentrant"):
        once.__enter__()
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"), torch.autograd.profiler.emit_nvtx():
        pass
    with torch.autograd.profiler.emit_nvtx(enabled=False), torch.autograd.profiler.emit_itt():
        pass


def test_averages_add_up():
    with torch.autograd.profiler.profile() as profiled:
        work()
        work()
    events = [event for event in profiled.function_events if event.name == "mine"]
    (average,) = [one for one in profiled.key_averages() if one.key == "mine"]
    assert average.count == 2 and average.is_user_annotation and events[0].is_user_annotation
    assert average.cpu_time_total_str[-2:] in ("us", "ms") and average.device_time_total == 0
    again = torch.autograd.profiler_util.FunctionEventAvg()
    for event in events:
        again += event
    assert (again.key, again.count, again.cpu_time_total) == ("mine", 2, average.cpu_time_total)
