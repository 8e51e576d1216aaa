"""The one command, `wxvend`."""


def main() -> None:
    """Run the chosen subcommand."""
