"""Who speaks: restarts, repeats, swapped, rolled-back and cloned journals, told apart without a clock."""

import pytest

from cloud_bridge.core.model import Session
from cloud_bridge.core.session import Claim, Known, Verdict, judge

JID = "a" * 26
BITS = "5" * 16
AT_FIVE = Known(highest=5, bits=BITS, current=JID)
UNHEARD = Known(highest=5, bits="", current=JID)
ELSEWHERE = "z" * 26
BIRTHS = (Claim.BIRTH, Claim.ALIVE, Claim.UNTRIED)
HELD = (Claim.WORD, Claim.BIRTH, Claim.UNTRIED)  # what somebody may have kept for any time


def session(boot: int, bits: str = BITS) -> Session:
    return Session(jid=JID, boot=boot, bits=bits)


@pytest.mark.parametrize("claim", BIRTHS)
def test_the_first_birth_of_a_machine_begins_a_session(claim: Claim) -> None:
    assert judge(session(1), Known(), claim) is Verdict.NEWER


@pytest.mark.parametrize("claim", Claim)
def test_a_repeat_of_the_newest_session_is_that_session(claim: Claim) -> None:
    assert judge(session(5), AT_FIVE, claim) is Verdict.SAME


@pytest.mark.parametrize("claim", BIRTHS)
def test_a_birth_with_a_higher_boot_is_a_restart(claim: Claim) -> None:
    assert judge(session(6), UNHEARD, claim) is Verdict.NEWER


@pytest.mark.parametrize("known", [Known(), UNHEARD], ids=["first", "restart"])
def test_only_a_birth_begins_a_session_because_it_counts_the_reports_of_its_journal(known: Known) -> None:
    assert judge(session(6), known, Claim.WORD) is Verdict.UNBORN


@pytest.mark.parametrize("claim", HELD)
def test_a_replayed_message_of_a_known_older_session_is_harmless(claim: Claim) -> None:
    assert judge(session(3), AT_FIVE, claim) is Verdict.OLDER


@pytest.mark.parametrize("claim", HELD)
def test_a_late_message_of_a_start_never_heard_of_proves_nothing_against_its_journal(claim: Claim) -> None:
    assert judge(session(4), UNHEARD, claim) is Verdict.UNHEARD


def test_a_start_never_heard_of_that_is_alive_behind_the_newest_is_a_rolled_back_journal() -> None:
    assert judge(session(4), UNHEARD, Claim.ALIVE) is Verdict.ROLLED_BACK


def test_a_known_older_session_that_is_still_alive_is_one_of_two() -> None:
    assert judge(session(3), AT_FIVE, Claim.ALIVE) is Verdict.CLONED


@pytest.mark.parametrize("boot", [3, 5])
@pytest.mark.parametrize("claim", Claim)
def test_a_known_boot_under_other_bits_is_a_clone(boot: int, claim: Claim) -> None:
    assert judge(session(boot, "6" * 16), AT_FIVE, claim) is Verdict.CLONED


@pytest.mark.parametrize("claim", BIRTHS)
def test_a_restart_that_forgot_reports_is_a_rolled_back_journal_and_a_repeated_birth_is_not(
    claim: Claim,
) -> None:
    behind = Known(highest=5, bits="", current=JID, behind=True)
    assert judge(session(6), behind, claim) is Verdict.ROLLED_BACK
    replay = Known(highest=5, bits=BITS, current=JID, behind=True)
    assert judge(session(5), replay, claim) is Verdict.SAME


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (Claim.WORD, Verdict.UNBORN),
        (Claim.BIRTH, Verdict.UNBORN),
        (Claim.ALIVE, Verdict.REPLACED),
        (Claim.UNTRIED, Verdict.REPLACED),
    ],
)
def test_another_journal_takes_over_only_when_it_is_alive(claim: Claim, verdict: Verdict) -> None:
    assert judge(session(1), Known(highest=0, bits="", current=ELSEWHERE), claim) is verdict


@pytest.mark.parametrize("claim", HELD)
def test_a_replayed_birth_of_a_former_journal_does_not_bring_it_back(claim: Claim) -> None:
    assert judge(session(5), Known(highest=5, bits=BITS, current=ELSEWHERE), claim) is Verdict.OLDER


def test_a_former_journal_comes_back_with_a_start_of_its_own_or_it_is_one_of_two() -> None:
    former = Known(highest=5, bits="", current=ELSEWHERE)
    assert judge(session(6), former, Claim.ALIVE) is Verdict.REPLACED
    assert judge(session(4), former, Claim.ALIVE) is Verdict.ROLLED_BACK
    still = Known(highest=5, bits=BITS, current=ELSEWHERE)
    assert judge(session(5), still, Claim.ALIVE) is Verdict.CLONED


@pytest.mark.parametrize("boot", [1, 5, 9])
@pytest.mark.parametrize("claim", Claim)
def test_doubt_about_a_journal_stays(boot: int, claim: Claim) -> None:
    known = Known(highest=5, bits="", doubt="rolled_back", current=JID)
    assert judge(session(boot), known, claim) is Verdict.ROLLED_BACK
