"""What some columns of the sale's table are named by: a machine's word, and a timer."""

import enum


class Word(enum.StrEnum):
    """What a machine says of a sale, whether it reports or answers."""

    OPEN = "open"
    BUSY = "busy"
    CLOSED = "closed"
    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"


class Timer(enum.StrEnum):
    """What a sale can wait for. Each is armed at most once per sale."""

    PLACE = "place"
    QUOTE_OVER = "quote_over"
    PAY_WINDOW = "pay_window"
    QUERY = "query"
    BOUND = "bound"
    AUTHORISE = "authorise"
    ASK = "ask"
    GONE = "gone"
    DOUBT = "doubt"
    REFUND = "refund"
