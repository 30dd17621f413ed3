"""Conditions at send time: CEL over what is known of the customer, checked when the rules are read."""
