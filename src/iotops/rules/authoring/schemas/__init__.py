"""JSON Schema of rule files and of devices.yaml: completion, hover text and red underlines in editors."""
