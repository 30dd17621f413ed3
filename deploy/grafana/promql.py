"""The three questions that most figures ask, over as long as a point of the picture stands for."""

SPAN = "[$__rate_interval]"
NONE = " or on () vector(0)"
"""Behind a question: what has not happened yet shows 0."""


def rate(metric: str, by: str = "", where: str = "") -> str:
    """A second."""
    return f"{_sum(by)} (rate({metric}{where}{SPAN}))"


def increase(metric: str, by: str = "", where: str = "") -> str:
    """How many more there are."""
    return f"{_sum(by)} (increase({metric}{where}{SPAN}))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """Of a histogram, as Prometheus finds it between the bounds of two buckets."""
    labels = ", ".join(filter(None, (by, "le")))
    return f"histogram_quantile({share}, {_sum(labels)} (rate({metric}_bucket{where}{SPAN})))"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"


def legend(by: str) -> str:
    """What a series is called: by the values of these labels."""
    return " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
