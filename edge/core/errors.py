"""What can go wrong on a dispenser bus, named by what we know, because that decides what we may do."""


class BusError(Exception):
    """The dispenser bus did not do what we asked. Nothing that moves had been sent."""


class CommandRefused(BusError):
    """The board said no. Nothing moved; choosing again is safe."""


class OutcomeUnknown(BusError):
    """Silence after a command that moves something. Ask before acting."""


class BusBroken(BusError):
    """The port or the set-up is wrong: a person must mend it."""
