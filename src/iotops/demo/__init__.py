"""`iotops demo`: everything on loopback, with a simulated fleet whose faults are known."""
