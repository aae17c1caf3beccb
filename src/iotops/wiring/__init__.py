"""The composition root: the only room that knows every other; a file for each process, so that each imports its own."""
