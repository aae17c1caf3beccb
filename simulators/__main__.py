"""`python -m simulators`."""

from simulators.command import main

main()
