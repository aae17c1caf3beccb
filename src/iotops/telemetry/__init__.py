"""What devices say: topics, messages, readings, and how bytes become readings. Pure."""
