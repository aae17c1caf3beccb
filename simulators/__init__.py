"""Simulated devices: fleets, physics, faults, and replay of recorded data."""
