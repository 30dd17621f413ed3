"""Two customers who are one: how each service hands a customer's things over, and takes them back (ADR 66).

Nobody coordinates: the same facts give the same in all four services, in whatever order they come.
"""
