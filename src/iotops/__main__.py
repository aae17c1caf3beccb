"""`python -m iotops` is the command line."""

from iotops.cli import main

main()
