"""What is abnormal: the rule language, its engine, and the tools for authors. Pure."""
