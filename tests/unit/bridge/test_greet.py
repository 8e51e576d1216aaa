"""What machines hear of themselves after a start of the bridge."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from cloud_bridge.core.model import TellAck
from cloud_bridge.engine_greet import known
from cloud_bridge.ports import JournalRow, Tx
from cloud_bridge.store.books import open_store

ROW = JournalRow(machine="m1", jid="a", boot=1, bits="1", upto=4)


async def test_only_the_journal_that_a_machine_has_now_is_told_and_only_if_it_is_believed(
    tmp_path: Path,
) -> None:
    def work(tx: Tx) -> None:
        tx.put_journal(ROW)
        tx.put_journal(replace(ROW, jid="b", upto=9))
        tx.put_journal(replace(ROW, machine="m2", jid="c", doubt="cloned"))
        tx.put_journal(replace(ROW, machine="gone", jid="d"))

    with closing(open_store(f"sqlite:///{tmp_path}/bridge.db", incarnation=lambda: "0" * 32)) as store:
        await store.run(work)
        assert await known(store, ("m1", "m2", "new")) == (("m1", TellAck(jid="b", n=0, upto=9)),)
