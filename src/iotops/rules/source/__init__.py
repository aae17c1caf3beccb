"""Rule files as text: YAML with the place of every character, and what it says about rules."""
