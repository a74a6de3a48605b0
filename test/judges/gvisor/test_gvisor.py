# SPDX-License-Identifier: GPL-2.0-or-later
"""The core's states held against those of gVisor's netstack, with a fixed seed: nothing lost, and segments lost,
repeated and held back. Where gVisor cannot be built these tests fail and say why."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run")
TIMEOUT = 115
SCENARIOS = (
    "close", "close_without_data", "close_behind_data", "half_close", "simultaneous_close",
    "simultaneous_close_behind_data", "abort", "abort_behind_data", "abort_in_close_wait", "abort_in_fin_wait",
    "close_with_unread_data", "data_after_close", "refused", "connect_abandoned", "listener_closed", "keep_alive",
    "keep_alive_in_vain", "simultaneous_open", "zero_window", "still_open", "fin_wait_2_expired",
    "reuse_in_time_wait", "defer_accept", "syn_cookie", "crash", "crash_and_connect", "blind_rst",
)  # fmt: skip
# Chance has to meet rare losses: more connections then.
VARIANTS = {"clean": 16, "lossy": 48}
RUNS = {"clean": (), "lossy": ("--loss", 4, "--disorder", 2)}
POINTS, ENDS = 3, 2
# All but LISTEN, which the comparison leaves out.
STATES = {
    "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSING", "TIME_WAIT", "CLOSE_WAIT",
    "LAST_ACK", "CLOSED",
}  # fmt: skip

pytestmark = pytest.mark.xdist_group("gvisor")  # built once, played once


def verdicts_of(file, *arguments):
    command = [str(word) for word in (RUN, "--json", file, *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert file.is_file(), f"the judge did not run: {done.stdout}{done.stderr}"
    return json.loads(file.read_text(encoding="utf-8")), done.stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory, build):
    """For each run, the verdicts on each scenario."""
    folder = tmp_path_factory.mktemp("gvisor")
    runs = {}
    for name, impaired in RUNS.items():
        verdicts, _ = verdicts_of(folder / name, "--seed", 1, "--variants", VARIANTS[name], *impaired)
        runs[name] = {s: [v for v in verdicts if v["scenario"] == s] for s in {v["scenario"] for v in verdicts}}
    return runs


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_states_are_netstacks(played, scenario, run):
    verdicts = played[run][scenario]
    assert len(verdicts) == VARIANTS[run] * POINTS * ENDS
    bad = [v for v in verdicts if v["score"] == "different"]
    assert not bad, "\n" + "\n".join("{end} {variant} at the {point}: {truth} {target} {ours} {reason}".format(**v)
                                     for v in bad)  # fmt: skip


@pytest.mark.parametrize("run", RUNS)
def test_whatever_is_not_equal_has_a_reason(played, run):
    assert all(v["reason"] for verdicts in played[run].values() for v in verdicts if v["score"] == "unknowable")


def test_most_is_knowable(played):
    counts = Counter(v["score"] for verdicts in played["clean"].values() for v in verdicts)
    assert counts["equal"] > 0.9 * counts.total()


def test_all_scenarios_are_played(played):
    assert all(set(run) == set(SCENARIOS) for run in played.values())


def test_every_state_is_compared(played):
    assert STATES == {s for verdicts in played["clean"].values() for v in verdicts for s in v["ours"] if v["truth"]}


def test_the_wire_loses_repeats_and_holds_back(played):
    fates = {run: {fate for verdicts in played[run].values() for v in verdicts for fate in v["fates"]} for run in RUNS}
    # Where keep-alives are in vain the script has cut the wire.
    cut = {fate for v in played["clean"]["keep_alive_in_vain"] for fate in v["fates"]}
    assert fates == {"clean": cut, "lossy": {"lost", "repeated", "held"}}


def test_a_shifted_truth_is_noticed(tmp_path, build):
    """Nothing can be equal to it but an end that has never been in any state."""
    verdicts, _ = verdicts_of(tmp_path / "shifted", "--variants", 2, "--shifted")
    assert len(verdicts) == 2 * POINTS * ENDS * len(SCENARIOS)
    assert not [v for v in verdicts if v["truth"] and v["score"] != "different"]


def test_a_seed_is_always_the_same(tmp_path, build):
    one, other = (verdicts_of(tmp_path / name, "--variants", 2, *RUNS["lossy"]) for name in ("one", "other"))
    assert one == other
