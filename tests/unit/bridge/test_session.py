"""Who speaks: restarts, repeats, swapped, rolled-back and cloned journals, told apart without a clock."""

import pytest

from cloud_bridge.core.model import Session
from cloud_bridge.core.session import Known, Verdict, judge

JID = "a" * 26
BITS = "5" * 16
AT_FIVE = Known(highest=5, bits=BITS, current=JID)
UNHEARD = Known(highest=5, bits="", current=JID)


def session(boot: int, bits: str = BITS) -> Session:
    return Session(jid=JID, boot=boot, bits=bits)


@pytest.mark.parametrize("live", [True, False])
def test_the_first_word_of_a_machine_begins_a_session(live: bool) -> None:
    assert judge(session(1), Known(), live=live) is Verdict.NEWER


@pytest.mark.parametrize("live", [True, False])
def test_a_repeat_of_the_newest_session_is_that_session(live: bool) -> None:
    assert judge(session(5), AT_FIVE, live=live) is Verdict.SAME


@pytest.mark.parametrize("live", [True, False])
def test_a_higher_boot_is_a_restart(live: bool) -> None:
    assert judge(session(6), UNHEARD, live=live) is Verdict.NEWER


@pytest.mark.parametrize("live", [True, False])
def test_a_replayed_message_of_a_known_older_session_is_harmless(live: bool) -> None:
    assert judge(session(3), AT_FIVE, live=live) is Verdict.OLDER


def test_a_late_report_of_a_session_never_heard_of_is_taken() -> None:
    assert judge(session(4), UNHEARD, live=False) is Verdict.OLDER


def test_a_session_that_comes_alive_behind_the_newest_is_a_rolled_back_journal() -> None:
    assert judge(session(4), UNHEARD, live=True) is Verdict.ROLLED_BACK


@pytest.mark.parametrize("boot", [3, 5])
@pytest.mark.parametrize("live", [True, False])
def test_a_known_boot_under_other_bits_is_a_clone(boot: int, live: bool) -> None:
    assert judge(session(boot, "6" * 16), AT_FIVE, live=live) is Verdict.CLONED


def test_a_restart_that_forgot_reports_is_a_rolled_back_journal_and_a_repeated_birth_is_not() -> None:
    behind = Known(highest=5, bits="", current=JID, behind=True)
    assert judge(session(6), behind, live=True) is Verdict.ROLLED_BACK
    replay = Known(highest=5, bits=BITS, current=JID, behind=True)
    assert judge(session(5), replay, live=True) is Verdict.SAME


def test_another_journal_takes_over_only_when_it_comes_alive() -> None:
    known = Known(highest=0, bits="", current="z" * 26)
    assert judge(session(1), known, live=True) is Verdict.REPLACED
    assert judge(session(1), known, live=False) is Verdict.OLDER


def test_a_replayed_birth_of_a_former_journal_does_not_bring_it_back() -> None:
    assert judge(session(5), Known(highest=5, bits=BITS, current="z" * 26), live=True) is Verdict.OLDER


@pytest.mark.parametrize("boot", [1, 5, 9])
def test_doubt_about_a_journal_stays(boot: int) -> None:
    known = Known(highest=5, bits="", doubt="rolled_back", current=JID)
    assert judge(session(boot), known, live=True) is Verdict.ROLLED_BACK
