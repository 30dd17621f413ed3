"""Agents as they grow: what they learn, whom it helped, how much there is to do. Nobody is ranked."""
