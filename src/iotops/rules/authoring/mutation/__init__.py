"""Would a rule's tests notice that the rule is wrong? Change it in small ways, and see what they miss."""
