"""iotops: telemetry over MQTT, judged by YAML rules, turned into incidents."""
