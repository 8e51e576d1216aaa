"""What holds for every test: a loaded machine is slow, and slow is no failure."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
