"""A loyalty program on recorded events, in memory: what it would have cost and given, beside another one."""
