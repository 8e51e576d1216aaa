"""Why a screen cannot be opened. Each message says what was found, what is allowed and what to do."""


class BadFont(Exception):
    """Nothing can be written with this font."""


class BadPanel(Exception):
    """Nothing can be shown on this panel."""
