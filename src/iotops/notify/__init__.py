"""Who is told: routes, messages, and their delivery over channels."""
