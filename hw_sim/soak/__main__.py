"""`python -m hw_sim.soak`."""

from hw_sim.soak.cli import main

if __name__ == "__main__":
    main()
