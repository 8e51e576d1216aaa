"""Alarms and days in words, for messages that leave the page: robots of chats, and e-mail."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cloud_bridge.core.alert import News
from cloud_bridge.core.digest import Digest
from cloud_bridge.core.sale import yuan
from cloud_bridge.web.saying import about, alarm_name, following, said

MOST: Final = 10  # alarms in one message; the rest is counted
_BEST: Final = 3
_NAMED: Final = 8
_MARKS: Final = {True: "●", False: "■"}
_OVER: Final = {"zh": "已解除", "en": "over"}
_FLAPS: Final = {"zh": "时有时无，一小时内 {} 次", "en": "comes and goes, {} times within the hour"}
_MORE: Final = {"zh": "另有 {} 条，见运营页面", "en": "and {} more, see the operators' page"}
_LANE: Final = {"zh": "货道", "en": "lane"}
_BRIDGE: Final = {"zh": "服务器", "en": "bridge"}
_NEXT: Final = {"zh": "下一步", "en": "next"}
TEST: Final = {"zh": "测试消息：收到即表示告警可以送达", "en": "A test: alarms reach you here"}
_DAY: Final = {
    "zh": (
        "{day} 日报",
        "收款 {paid} 笔 {paid_yuan}，退款 {refunded} 笔 {refunded_yuan}，净额 {kept_yuan}",
        "出货失败 {failed} 次；告警 {raised} 次",
        "待处理：案件 {cases}，投诉 {complaints}",
    ),
    "en": (
        "{day}, the day in short",
        "paid {paid} times {paid_yuan}, given back {refunded} times {refunded_yuan}, left {kept_yuan}",
        "{failed} vends failed; {raised} alarms",
        "waiting: {cases} cases, {complaints} complaints",
    ),
}
_BILL: Final = {
    "zh": {"fits": "对账：一致", "differs": "对账：有差异，见运营页面", "": "对账：账单未到"},
    "en": {
        "fits": "the bill fits",
        "differs": "the bill differs, see the page",
        "": "no bill yet",
    },
}
_STANDS: Final = {"zh": "现有告警：{}", "en": "standing now: {}"}
_CALM: Final = {"zh": "现无告警", "en": "no alarm stands"}
_SILENT: Final = {"zh": "全天无销售：{}", "en": "sold nothing: {}"}
_TOP: Final = {"zh": "销售最多：{}", "en": "sold most: {}"}


def message(news: Sequence[News], left_out: int, languages: Sequence[str]) -> str:
    """What is told of these alarms, in each language, and how many more there are."""
    lines = [line for each in news for line in _lines(each, languages)]
    lines += [_MORE[language].format(left_out) for language in languages if left_out]
    return "wxvend\n" + "\n".join(lines)


def subject(news: Sequence[News], left_out: int, language: str) -> str:
    """The first of them in a line, and how many more there are."""
    first = news[0]
    line = f"{_MARKS[first.over]} {alarm_name(first.name, language)} · {_place(first, language)}"
    more = len(news) - 1 + left_out
    return f"wxvend: {line}{f' (+{more})' if more else ''}"


def cut(text: str, most_bytes: int) -> str:
    """As much of it as fits."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def digest_subject(digest: Digest, language: str) -> str:
    """What the message is."""
    return f"wxvend: {_DAY[language][0].format(day=digest.day)}"


def digest_text(digest: Digest, languages: Sequence[str]) -> str:
    """A day, in each language."""
    return "\n\n".join("\n".join(_digest_lines(digest, language)) for language in languages)


def _digest_lines(digest: Digest, language: str) -> list[str]:
    figures = {
        "day": digest.day,
        "paid": digest.paid,
        "paid_yuan": yuan(digest.paid_fen),
        "refunded": digest.refunded,
        "refunded_yuan": yuan(digest.refunded_fen),
        "kept_yuan": signed_yuan(digest.paid_fen - digest.refunded_fen),
        "failed": digest.failed,
        "raised": digest.raised,
        "cases": digest.cases,
        "complaints": digest.complaints,
    }
    lines = [line.format(**figures) for line in _DAY[language]]
    best = ", ".join(f"{name} {yuan(fen)}" for name, fen in digest.best[:_BEST])
    lines += [_TOP[language].format(best)] if best else []
    lines += [_SILENT[language].format(_named(digest.silent))] if digest.silent else []
    stands = ", ".join(f"{alarm_name(name, language)} × {count}" for name, count in digest.standing[:_NAMED])
    return [
        *lines,
        _BILL[language][digest.bill],
        _STANDS[language].format(stands) if stands else _CALM[language],
    ]


def _named(names: Sequence[str]) -> str:
    more = f" +{len(names) - _NAMED}" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def signed_yuan(fen: int) -> str:
    """An amount that may be less than nothing."""
    return f"{'−' if fen < 0 else ''}{yuan(abs(fen))}"


def _lines(each: News, languages: Sequence[str]) -> list[str]:
    sale, words = about(each.text)
    lines = []
    for language in languages:
        parts = [f"{_MARKS[each.over]} {alarm_name(each.name, language)}", _place(each, language)]
        parts += [_OVER[language]] if each.over else [_moment(each.since_wall_ms), said(words, language)]
        parts += [_FLAPS[language].format(each.begun)] if each.begun > 1 else []
        parts += [f"…{sale[-8:]}"] if sale else []
        line = " · ".join(part for part in parts if part)
        todo = "" if each.over else following(each.name, language)
        lines.append(f"{line}\n  {_NEXT[language]}: {todo}" if todo else line)
    return lines


def _place(each: News, language: str) -> str:
    machine = each.machine or _BRIDGE[language]
    return f"{machine} {_LANE[language]} {each.lane}" if each.lane else machine


def _moment(wall_ms: int) -> str:
    """In the zone of this computer, as its people read clocks; with the offset, for others."""
    at = datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone()
    return at.strftime("%m-%d %H:%M %z")
