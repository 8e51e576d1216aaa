"""Rows of what people did by hand: a transaction that sees them, and what they come to in a day."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import and_, func, insert, select, text, update

from cloud_bridge.core.approval import COUNTED, Act, HandAct, Spent
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Tx
from cloud_bridge.store.tables import sale
from cloud_bridge.store.tables_doing import FOR_A_REQUEST, STILL_WAITS, hand_act
from cloud_bridge.store.tx import SqlTx, fields, to_sale

_WAITING_FIRST: Final = text("CASE WHEN stand = 'waiting' THEN 0 ELSE 1 END")


class SqlDoingTx(SqlTx):
    """Implements `ports_doing.DoingTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlDoingTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    def put_act(self, act: HandAct) -> int:
        """Insert one without an id, or replace; its id."""
        values = {name: value for name, value in fields(act).items() if name != "id"}
        if act.id:
            self._do(update(hand_act).where(hand_act.c.id == act.id).values(**values))
            return act.id
        self._do(insert(hand_act), values)
        return self._count(select(func.max(hand_act.c.id)))

    def act(self, number: int) -> HandAct | None:
        """One of them, locked where a database knows such locks."""
        row = self._first(select(hand_act).where(hand_act.c.id == number).with_for_update())
        return None if row is None else HandAct(**row._asdict())

    def waiting_for(self, sale_id: str) -> HandAct | None:
        """The act of a sale that waits for a second person, if any."""
        row = self._first(select(hand_act).where(STILL_WAITS, hand_act.c.sale_id == sale_id))
        return None if row is None else HandAct(**row._asdict())

    def spent(self, *, by: str, machine: str, since_wall_ms: int) -> Spent:
        """What was given by hand since then: by a person, and on a machine."""
        row = hand_act.c
        given = and_(row.asked_wall_ms > since_wall_ms, row.stand.in_(COUNTED), row.act != Act.VENDED)
        total = func.coalesce(func.sum(row.fen), 0)
        return Spent(
            person_fen=self._count(select(total).where(given, row.by == by)),
            machine_fen=self._count(select(total).where(given, row.machine == machine)),
        )

    def opened_for(self, request_id: str) -> Sale | None:
        """The sale that a machine opened for this request, if any."""
        row = self._first(select(sale).where(FOR_A_REQUEST, sale.c.request_id == request_id))
        return None if row is None else to_sale(row)

    def acts(self, *, limit: int, machines: Iterable[str] | None) -> tuple[HandAct, ...]:
        """Those that wait and then the newest others, of these machines (None: of all)."""
        row = hand_act.c
        found = select(hand_act).order_by(_WAITING_FIRST, row.id.desc()).limit(limit)
        if machines is not None:
            found = found.where(row.machine.in_(tuple(machines)))
        return tuple(HandAct(**each._asdict()) for each in self._all(found))
