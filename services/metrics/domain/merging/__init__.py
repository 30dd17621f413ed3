"""Several ids that are one customer: what they come to together, and how they are told apart again.

What is known of each id is kept by itself, as a part, and goes on by the events that were told of that id.
The record is made of the parts anew when one changes (``joining``), so the order in which hand-overs and
events come is of no matter, and taking a part out again leaves what there would be without it.
"""
