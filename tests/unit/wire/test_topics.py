"""Where messages travel, and what never gets into a topic."""

import pytest

from wire.topics import BadTopic, Branch, Topic, check_machine, everything, parse


def test_a_topic_is_written_and_read_alike() -> None:
    topic = Topic("cafe-07", Branch.DOWN, "sale.paid")
    assert str(topic) == "wxvend/v1/cafe-07/down/sale.paid"
    assert parse(str(topic)) == topic


def test_a_state_topic_may_have_levels() -> None:
    assert parse("wxvend/v1/cafe-07/state/lane/12") == Topic("cafe-07", Branch.STATE, "lane/12")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wxvend/v1",
        "wxvend/v1/cafe-07",
        "wxvend/v1/cafe-07/down",
        "wxvend/v1/cafe-07/down/",
        "wxvend/v2/cafe-07/down/sale.paid",
        "wxvend/v1/cafe-07/sideways/sale.paid",
        "wxvend/v1/cafe-07/DOWN/sale.paid",
        "/wxvend/v1/cafe-07/down/sale.paid",
        "wxvend/v1/CAFE/down/sale.paid",
        "wxvend/v1/caf/down/sale.paid",
        "wxvend/v1/+/down/sale.paid",
        "wxvend/v1/cafe-07/down/#",
        "wxvend/v1/cafe-07/down/sale\0paid",
        "$SYS/broker/uptime",
    ],
)
def test_anything_else_is_not_ours(text: str) -> None:
    with pytest.raises(BadTopic, match=r"found .* allowed"):
        parse(text)


@pytest.mark.parametrize(
    "machine", ["abc", "a" * 33, "cafe_07", "cafe/07", "Cafe-07", "cafe-07\n", "bridge*"]
)
def test_a_machine_id_fits_into_topic_pattern_and_certificate(machine: str) -> None:
    with pytest.raises(BadTopic, match="allowed 4 to 32"):
        check_machine(machine)


def test_a_filter_covers_one_branch() -> None:
    assert everything("+", Branch.UP) == "wxvend/v1/+/up/#"
