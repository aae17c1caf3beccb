"""What people must know (pure): incidents, their state machine, priority, correlation and deadlines."""
