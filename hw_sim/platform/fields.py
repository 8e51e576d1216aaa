"""Which members a request may have, as a small language of rules, and refusals worded as in the field.

Lengths count bytes of UTF-8: the documentation says characters, the live validation counts bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hw_sim.platform.answers import ApiError

_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most `most` bytes, matching `pattern` as a whole when there is one."""

    label: str
    most: int
    required: bool = False
    least: int = 0
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A 64-bit integer; never a string, a fraction or a boolean."""

    label: str
    required: bool = False
    least: int = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    label: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """An object with these members and no others."""

    label: str
    members: Mapping[str, "Rule"]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    label: str
    item: "Rule"
    required: bool = False


Rule: TypeAlias = Text | Whole | Flag | Thing | Many


def check(rule: Rule, value: Any, source: str = "/body") -> None:
    """Hold `value` against `rule`. Raises ApiError 400 PARAM_ERROR naming the member."""
    match rule:
        case Text():
            _check_text(rule, value, source)
        case Whole():
            _check_whole(rule, value, source)
        case Flag():
            if not isinstance(value, bool):
                raise _unfit(rule, value, source, "布尔值")
        case Many():
            if not isinstance(value, list):
                raise _unfit(rule, value, source, "数组")
            for index, item in enumerate(value):
                check(rule.item, item, f"{source}/{index}")
        case Thing():
            _check_thing(rule, value, source)


def spoiled(value: Any) -> bool:
    """Tell whether a null or a control character hides in it: accepted, but it breaks the payment page."""
    match value:
        case None:
            return True
        case str():
            return any(ord(char) < 0x20 or ord(char) == 0x7F for char in value)
        case dict():
            return any(spoiled(item) for item in value.values())
        case list():
            return any(spoiled(item) for item in value)
    return False


def refusal(source: str, value: Any, message: str) -> ApiError:
    """Word a 400 PARAM_ERROR about the member at `source`, such as `/body/amount/total`."""
    location = source.split("/")[1]
    shown = value if isinstance(value, str) else "" if value is None else str(value)
    return ApiError(400, "PARAM_ERROR", message, detail={"location": location, "value": shown[:64]})


def _check_thing(rule: Thing, value: Any, source: str) -> None:
    if not isinstance(value, dict):
        raise _unfit(rule, value, source, "对象")
    for name in value:
        if name not in rule.members:
            raise refusal(f"{source}/{name}", name, f"输入源“{source}/{name}”不是此接口定义的参数")
    for name, member in rule.members.items():
        found = value.get(name)
        if found is not None:
            check(member, found, f"{source}/{name}")
        elif member.required:
            message = f"输入源“{source}/{name}”映射到字段“{member.label}”必填性规则校验失败，此字段为必填项"
            raise refusal(f"{source}/{name}", None, message)


def _check_text(rule: Text, value: Any, source: str) -> None:
    if not isinstance(value, str):
        raise _unfit(rule, value, source, "字符串")
    size = len(value.encode())
    if size > rule.most:
        raise _breach(rule, value, source, f"字节数 {size}，大于最大值 {rule.most}")
    if size < max(rule.least, int(rule.required)):
        raise _breach(rule, value, source, f"字节数 {size}，小于最小值 {max(rule.least, 1)}")
    if rule.pattern and not re.search(rule.pattern, value):
        raise _breach(rule, value, source, f"字符串必须匹配正则表达式“{rule.pattern}”")


def _check_whole(rule: Whole, value: Any, source: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INT64_MAX:
        raise _unfit(rule, value, source, "64 位有符号整数")
    if value < rule.least:
        message = (
            f"输入源“{source}”映射到数值字段“{rule.label}”规则校验失败，值 {value}，小于最小值 {rule.least}"
        )
        raise refusal(source, value, message)


def _unfit(rule: Rule, value: Any, source: str, kind: str) -> ApiError:
    message = f"无法将 JSON 输入源“{source}”映射到目标字段“{rule.label}”中，此字段需要一个合法的 {kind}"
    return refusal(source, value, message)


def _breach(rule: Text, value: str, source: str, what: str) -> ApiError:
    return refusal(source, value, f"输入源“{source}”映射到值字段“{rule.label}”字符串规则校验失败，{what}")
