"""What a technician's file holds: a report as text, or a recorded DEX or DDCMP session around one. Pure.

Both sides of a session may be in it, or the machine's alone; link bytes are checked, then left out.
"""

from edge.tech import dts_ddcmp, dts_dex
from edge.tech.dts import LIMIT_BYTES, BadReport
from edge.tech.dts_reader import Found, read


def read_any(data: bytes) -> Found:
    """The report of a file of any of the three kinds. Raises BadReport."""
    if len(data) > LIMIT_BYTES:
        raise BadReport(f"found more than {LIMIT_BYTES} bytes, allowed at most {LIMIT_BYTES}: one report")
    text, notes = _without_link(data)
    try:
        found = read(text)
    except BadReport as error:
        raise BadReport("; ".join((str(error), *notes))) from error
    return Found(report=found.report, notes=(*notes, *found.notes))


def _without_link(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The report's text, and what the link had to put up with."""
    if data.lstrip().startswith(b"DXS"):
        return data, ()
    for link, unwrap in ((dts_ddcmp.spoken, dts_ddcmp.unwrap), (dts_dex.spoken, dts_dex.unwrap)):
        if link(data):
            return unwrap(data)
    raise BadReport(
        f"line 1: found {data[:12]!r}, allowed DXS, or a DEX or DDCMP session as bytes. "
        "Try: wxvend tech dts read --help"
    )
