"""The service codes: why a machine or a lane does not sell, for the shopper, the technician and the alarm.

`E` and two digits; the first says who: 1 bus and board, 2 motor and lane, 3 sensors and door, 4 temperature,
5 link and broker, 6 bridge and platform, 7 journal and disk, 9 ourselves. Codes are never reused: those that
are missing from the table once had a meaning.
"""

from dataclasses import dataclass
from typing import Final

from edge.core.faults import FAULTS, NEVER_TURNED, FaultRow
from edge.core.faults import Severity as Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCode:
    """One row. `may_have_moved`: goods may have come out unrecorded; look into the tray and the books.

    `reserved`: nothing sets it yet; a cold chain or an operator's stop will.
    """

    name: str
    code: str
    zh: str
    en: str
    technician: str
    next_step: str
    may_have_moved: bool = False
    severity: Severity = Severity.WARNING
    reserved: bool = False


UNKNOWN: Final = "unknown"

_ROWS: Final = (
    # ---- 1 bus and board
    ServiceCode(
        name="bus_port",
        code="E11",
        zh="机器连接故障",
        en="The machine is not connected",
        technician="The serial port cannot be opened, or it vanished.",
        next_step="Check the cable, and the settings' port against /dev/serial/by-path.",
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="bus_silent",
        code="E12",
        zh="售货主板无响应",
        en="The machine is not answering",
        technician="The port is open but the board says nothing.",
        next_step="Check the board's power, TX/RX crossing, speed and the board's payment setting.",
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="board_doubt",
        code="E13",
        zh="正在检查机器",
        en="The machine checks itself",
        technician="An operation's outcome is unknown; sales wait until the board is identified and idle.",
        next_step="Look into the tray and at the lane, then wait; it clears by itself.",
        may_have_moved=True,
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="bus_noise",
        code="E14",
        zh="机器通信不稳定",
        en="The machine is hard to hear",
        technician="Many frames arrive with a wrong check byte.",
        next_step="Check ground, shield and cable length; `state/bus` counts the bad frames.",
    ),
    ServiceCode(
        name="board_unknown",
        code="E15",
        zh="主板型号不符",
        en="This board is not known",
        technician="The board identifies itself as another one than the settings name.",
        next_step="Compare `bus` in the settings with the board's label.",
        severity=Severity.CRITICAL,
        reserved=True,
    ),
    ServiceCode(
        name="bus_deaf",
        code="E16",
        zh="售货主板不回应",
        en="The machine does not hear us",
        technician="The board polls, but acknowledges nothing that is sent to it.",
        next_step="Check the wire from our TX to the board's RX, and ground; it is tried again each second.",
        severity=Severity.CRITICAL,
    ),
    # ---- 2 motor and lane
    ServiceCode(
        name="lane_jam",
        code="E21",
        zh="货道卡货",
        en="A product is stuck",
        technician="A lane failed twice in a row: its motor ran, or may have, and nothing was seen to fall.",
        next_step="Free the product, test the lane, then refill it or pause and resume it at the board.",
        may_have_moved=True,
    ),
    ServiceCode(
        name="lane_fault",
        code="E22",
        zh="货道电机故障",
        en="A motor has failed",
        technician="A lane failed twice in a row: its motor did not turn, or the board would not turn it.",
        next_step="Check its plug and motor, then refill it or pause and resume it at the board.",
    ),
    ServiceCode(
        name="all_sold_out",
        code="E23",
        zh="补货后恢复销售",
        en="Back after a refill",
        technician="No lane has stock left.",
        next_step="Refill and set the stock at the board.",
        severity=Severity.NOTE,
    ),
    ServiceCode(
        name="no_lane",
        code="E24",
        zh="货道暂不可用",
        en="No lane can sell",
        technician="Every lane is empty, faulty or without a product in the catalogue.",
        next_step="Compare the board's lanes with the catalogue on the operators' page.",
    ),
    # ---- 3 sensors and door
    ServiceCode(
        name="door_open",
        code="E31",
        zh="机门未关",
        en="The door is open",
        technician="The board reports an open cabinet door.",
        next_step="Close the door; check its switch if it is closed.",
        severity=Severity.NOTE,
    ),
    # ---- 4 temperature
    ServiceCode(
        name="temperature",
        code="E41",
        zh="温度异常，停止销售",
        en="The temperature is not right",
        technician="The cabinet left its temperature range for too long.",
        next_step="Check compressor, fan and door seal; decide about the goods.",
        severity=Severity.CRITICAL,
        reserved=True,
    ),
    ServiceCode(
        name="temperature_unknown",
        code="E42",
        zh="温度传感器故障",
        en="The temperature is not known",
        technician="The board had a reading of its temperature probe and has none any more.",
        next_step="Check the probe's plug; decide about goods that must stay cold.",
    ),
    # ---- 5 link and broker
    ServiceCode(
        name="link_down",
        code="E51",
        zh="网络连接中断",
        en="No network connection",
        technician="There is no connection to the broker.",
        next_step="Check SIM or cable, then name and port of the broker; it reconnects by itself.",
    ),
    ServiceCode(
        name="link_forged",
        code="E53",
        zh="收到无效指令",
        en="Invalid commands received",
        technician="Messages with a wrong signature arrive on this machine's topics.",
        next_step="Treat it as an attack: tell the operator, keep the log.",
        severity=Severity.CRITICAL,
    ),
    # ---- 6 bridge and platform
    ServiceCode(
        name="bridge_silent",
        code="E61",
        zh="支付服务无响应",
        en="Payment is not answering",
        technician="The broker is reached, but the bridge does not answer.",
        next_step="Look at the bridge's page and its log; nothing to do at the machine.",
        severity=Severity.CRITICAL,
    ),
    # ---- 7 journal and disk
    ServiceCode(
        name="journal_failed",
        code="E71",
        zh="存储故障",
        en="Storage has failed",
        technician="The journal cannot be written; no motor starts any more.",
        next_step="Check free space and the card; replace it, keep the old one for the books.",
        may_have_moved=True,
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="journal_new",
        code="E72",
        zh="等待工作人员确认",
        en="Waiting for staff",
        technician="The journal was missing or damaged and a new one was made.",
        next_step="Look for paid sales without an outcome, then confirm the new journal.",
        may_have_moved=True,
        severity=Severity.CRITICAL,
    ),
    # ---- 9 settings, and us
    ServiceCode(
        name=UNKNOWN,
        code="E90",
        zh="机器需要检修",
        en="The machine needs a check",
        technician="Sales stopped for a reason without a row in this table.",
        next_step="The log names it; report it to us.",
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="no_catalogue",
        code="E91",
        zh="商品信息未下载",
        en="Products are not loaded yet",
        technician="No signed catalogue has arrived since the machine was set up.",
        next_step="Assign a catalogue to this machine on the operators' page.",
    ),
    ServiceCode(
        name="maintenance",
        code="E92",
        zh="工作人员正在维护",
        en="Staff are at work",
        technician="A technician has taken the machine out of service.",
        next_step="End the service when done; nothing is sold until then.",
        severity=Severity.NOTE,
    ),
    ServiceCode(
        name="catalogue_refused",
        code="E93",
        zh="新商品表无法使用",
        en="The new catalogue has a mistake",
        technician="A signed catalogue has a setting that this program cannot use; the one before is kept.",
        next_step="Read which setting on the operators' page; take it out, or update this program.",
    ),
    ServiceCode(
        name="catalogue_unsupported",
        code="E94",
        zh="余量下限无法执行",
        en="A stock limit cannot be kept",
        technician="A lane is to stop selling at some pieces, and its board does not count them.",
        next_step="Set sold_out_at of this lane to 0 on the operators' page.",
    ),
    ServiceCode(
        name="impossible",
        code="E95",
        zh="程序故障，已停止",
        en="The program stopped itself",
        technician="A situation arose that the program rules out; the sale is held and selling stopped.",
        next_step="Keep the journal, send us the log, restart only then.",
        may_have_moved=True,
        severity=Severity.CRITICAL,
    ),
    ServiceCode(
        name="stopped",
        code="E96",
        zh="运营方已暂停销售",
        en="Paused by the operator",
        technician="An operator stopped this machine.",
        next_step="Ask the operator; it is released on the operators' page.",
        severity=Severity.NOTE,
    ),
    ServiceCode(
        name="starting",
        code="E97",
        zh="正在启动",
        en="Starting up",
        technician="The daemon or the board has started; the board is identified before anything is sold.",
        next_step="Wait a minute; if it stays, look whether a lift is in the way or the board restarts.",
        severity=Severity.NOTE,
    ),
    ServiceCode(
        name="leaving",
        code="E98",
        zh="正在重新启动",
        en="Restarting",
        technician="The daemon was asked to stop; it begins no sale and ends the one that runs.",
        next_step="Wait a minute; if it stays, start the service again.",
        severity=Severity.NOTE,
    ),
    ServiceCode(
        name="screen_failed",
        code="E99",
        zh="屏幕显示故障",
        en="The screen has failed",
        technician="A screen could not be drawn and this one stands in its place; the sale goes on.",
        next_step="Keep the log and send it to us; it names what was to be drawn.",
    ),
)


def _of_a_fault(row: FaultRow) -> ServiceCode:
    """A common fault, as a code among the others."""
    return ServiceCode(
        name=row.fault.value,
        code=row.code,
        zh=row.zh,
        en=row.en,
        technician=row.technician,
        next_step=row.next_step,
        may_have_moved=row.moved not in NEVER_TURNED,
        severity=row.severity,
    )


_CODES: Final = frozenset(row.code for row in _ROWS)  # a fault that stops something has its row above
TABLE: Final[dict[str, ServiceCode]] = {row.name: row for row in _ROWS} | {
    row.fault.value: _of_a_fault(row) for row in FAULTS.values() if row.code not in _CODES
}


def code_of(name: str) -> ServiceCode:
    """The row of that name; of `unknown` for a name without one, because a screen must never fail."""
    return TABLE.get(name, TABLE[UNKNOWN])


def explain(code: str) -> ServiceCode:
    """The row of a code as a technician types it (`E21`, `e21`, `21`). Raises KeyError when there is none."""
    wanted = "E" + code.strip().upper().removeprefix("E")
    found = next((row for row in TABLE.values() if row.code == wanted), None)
    if found is None:
        raise KeyError(code)
    return found
