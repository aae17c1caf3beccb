"""How programs ask: HTTP under `/api/v1`, one resource a file in `resources`."""
