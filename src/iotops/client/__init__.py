"""How the command line asks a running iotops: the public HTTP API, as any other program would."""
