"""The KPIs, a file for each or for a family of them; ``registry`` lists them."""
