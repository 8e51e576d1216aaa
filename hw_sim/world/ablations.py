"""Safeguards taken away, one or a pair at a time, in the simulation only: product code has no switch for it.

`off()` puts something weaker in the place of a rule or function while it lasts. `life` has the trouble in
which the absence shows soon, `seed` the first that shows it: CI lives through that seed again.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hw_sim.world import weaker
from hw_sim.world.run import Life


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """A safeguard, or a pair that back each other up. `invariant` is the one that its absence breaks."""

    name: str
    promise: str
    invariant: str
    words: str
    life: Life
    seed: int
    patches: tuple[weaker.Patch, ...]

    @contextmanager
    def off(self) -> Iterator[None]:
        """Without it, for as long as this lasts."""
        with ExitStack() as stack:
            for patch in self.patches:
                stack.enter_context(patch())
            yield


def _one(
    name: str,
    broken: str,
    words: str,
    *patches: weaker.Patch,
    only: str,
    seed: int,
    clock_rates: tuple[float, ...] = (),
    every_s: float = 30.0,
    bus: str = "xy",
) -> Ablation:
    promise, invariant = broken.split()
    return Ablation(
        name=name,
        promise=promise,
        invariant=invariant,
        words=words,
        life=Life(
            only=frozenset(only.split()),
            clock_rates=clock_rates,
            every_s=every_s,
            all_pay=name != "CLOSE",
            bus=bus,
        ),
        seed=seed,
        patches=patches,
    )


_ALL: Final = (
    _one(
        "OPENDB",
        "P3 I13",
        "the bridge hears of a sale before its row is durable",
        weaker.answered_early("open"),
        only="slow_disks power",
        seed=0,
    ),
    _one(
        "INTENT",
        "P2 I5",
        "the motor frame goes before the intent is durable",
        weaker.answered_early("intent"),
        only="slow_at_the_payment killed_in_a_vend",
        seed=10,
    ),
    _one(
        "TOMB",
        "P4 I13",
        "a negative answer is given before it is durable",
        weaker.answered_early("closed"),
        only="slow_disks power",
        seed=0,
    ),
    _one(
        "DBFIRST",
        "P4 I13",
        "an outcome is reported before it is durable",
        weaker.answered_early("delivered", "not_delivered", "uncertain"),
        only="slow_disks power",
        seed=1,
    ),
    _one(
        "NOREACT",
        "P2 I5",
        "an interrupted intent is acted on again",
        weaker.runs_again,
        only="killed_in_a_vend",
        seed=0,
    ),
    _one(
        "DEDUPE+UNIQUE",
        "P2 I1",
        "a repeated authorisation is acted on, and the row takes a second intent",
        weaker.acts_on_repeats,
        weaker.no_compare_and_set,
        only="bad_broker slow_network",
        seed=1,
    ),
    _one(
        "ROW+SESSION",
        "P2 I1",
        "an authorisation of a sale without a row, or of another session, vends",
        weaker.makes_rows,
        weaker.any_session,
        only="lost_in_a_vend old_words",
        seed=0,
    ),
    _one(
        "BOOT+SESSION",
        "P1 I3",
        "an open row outlives the boot, and authorisations of older sessions count",
        weaker.leases_outlive,
        weaker.any_session,
        only="machine_killed late_words",
        seed=1,
        every_s=400.0,
    ),
    _one(
        "JUDGE",
        "P4 I5",
        "silence of the board is taken for a proof that nothing moved",
        weaker.silence_proves,
        only="killed_in_a_vend bad_turns",
        seed=1,
    ),
    _one(
        "NORETRY",
        "P2 I1",
        "a moving frame is repeated to a board that cannot tell",
        weaker.repeats_moving,
        only="obeys_repeats",
        seed=0,
    ),
    _one(
        "ECHO",
        "P3 I7",
        "on a line that gives our own bytes back they pass for the board's answer",
        weaker.echo_answers,
        only="bad_turns bad_motors",
        seed=2,
        bus="lock8a",
    ),
    _one(
        "LEASE+RECHECK+WRITE",
        "P1 I3",
        "nobody looks at the lease any more",
        weaker.no_lease,
        weaker.no_look_at_the_write,
        only="late_words",
        seed=0,
        every_s=400.0,
    ),
    _one(
        "WRITE",
        "P1 I3",
        "the lease is not looked at in the moment of the write",
        weaker.no_look_at_the_write,
        only="late_words slow_at_the_payment",
        seed=0,
        every_s=400.0,
    ),
    _one(
        "SLACK",
        "P1 I3",
        "the bound forgets drift and a frame in the line",
        weaker.bound_without_slack,
        only="late_words",
        seed=41,
        every_s=400.0,
        clock_rates=(0.998,),
    ),
    _one(
        "TIME",
        "P1 I3",
        "durations are measured on the wall clock",
        weaker.wall_clock,
        only="wrong_clocks late_words",
        seed=4,
        every_s=400.0,
    ),
    _one(
        "SIG",
        "P1 I15",
        "signatures are not looked at",
        weaker.believes_everybody,
        only="adversary",
        seed=5,
    ),
    _one(
        "STALE",
        "P4 I5",
        "an unknown sale or another journal is taken for not delivered",
        weaker.unknown_is_no,
        only="lost_in_a_vend cut_off_in_a_vend",
        seed=3,
    ),
    _one(
        "ROLL+STALE",
        "P4 I5",
        "a journal that was rolled back is believed, and what it does not know is no",
        weaker.believes_journals,
        weaker.unknown_is_no,
        only="lost_in_a_vend cut_off_in_a_vend",
        seed=1,
    ),
    _one(
        "FRESH",
        "P5 I8",
        "a birth is alive whenever it comes, however long somebody held it",
        weaker.takes_births_for_alive,
        only="adversary machine_killed power",
        seed=14,
    ),
    _one(
        "EVIDENCE",
        "P4 I5",
        "the bound alone turns a sent authorisation into a refund",
        weaker.timeout_refunds,
        only="cut_off_in_a_vend",
        seed=0,
    ),
    _one(
        "SENT",
        "P4 I12",
        "an authorisation goes before it is counted",
        weaker.sends_uncounted,
        only="partitions",
        seed=0,
    ),
    _one(
        "FOREIGN",
        "P4 I5",
        "after a restore old rows are taken for our own",
        weaker.nothing_is_foreign,
        only="restored_after_a_vend",
        seed=1,
    ),
    _one(
        "RNO",
        "P4 I4",
        "each try of a refund has a number of its own",
        weaker.new_number_each_time,
        only="bad_wires bad_motors",
        seed=1,
    ),
    _one(
        "RTWO",
        "P4 I4",
        "the second number does not wait for the first to be closed",
        weaker.second_number_at_once,
        only="bad_motors",
        seed=0,
    ),
    _one(
        "POLL+ACK",
        "P3 I7",
        "notifications are answered before the commit, and nobody queries",
        weaker.never_queries,
        weaker.answers_before_commit,
        only="bridge_killed_at_a_payment",
        seed=0,
    ),
    _one(
        "CLOSE",
        "P3 I6",
        "a sale is closed here and not at the platform",
        weaker.closes_alone,
        only="slow_network",
        seed=0,
    ),
)
ABLATIONS: Final = MappingProxyType({ablation.name: ablation for ablation in _ALL})
