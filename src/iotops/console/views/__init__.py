"""What pages ask the API, one file per page or group of pages."""
