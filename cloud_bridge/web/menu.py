"""Where a person can go: five words, and behind the last of them the pages that are needed less often."""

from typing import Final

# path -> the key of its name in the words
PLACES: Final[dict[str, str]] = {
    "/": "fleet",
    "/sales": "sales",
    "/cases": "cases",
    "/money": "money",
    "/more": "more",
}
MORE: Final[dict[str, str]] = {
    "/catalogue": "catalogue_page",
    "/stock": "stock_page",
    "/approvals": "doing.approvals",
    "/alarms": "alarms_page",
    "/reports": "reports_page",
    "/people": "people_page",
    "/audit": "audit_page",
}
_BELONGS: Final = {"/machines": "/", "/complaints": "/cases", "/bills": "/money"}


def place(path: str) -> str:
    """Which of the five a path belongs to; a page that stands nowhere else belongs to the last."""
    first = "/" + path.split("/")[1]
    found = _BELONGS.get(first, first)
    return found if found in PLACES else "/more"
