"""The operators' page: server-rendered, no build step, speaking only the public API."""
