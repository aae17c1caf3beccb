"""What rules would have raised over telemetry that is stored: the same engine, fed from the database."""
