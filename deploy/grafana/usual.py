"""The usual figures: their meaning is what their metric was declared with."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Figure, Shape
from deploy.grafana.promql import increase, legend, quantile

SHARES = (0.5, 0.9, 0.99)


def figure(
    title: str,
    metric: str,
    unit: str,
    *queries: tuple[str, str],
    shape: Shape = Shape.LINES,
    runbook: str = "",
    also: str = "",
) -> Figure:
    """``queries``: PromQL, and the labels by which it is, with commas, or what its one series is called.
    ``runbook`` names an alert; ``also`` is said after the meaning."""
    return Figure(
        title=title,
        meaning=" ".join(filter(None, (meaning(metric), also))),
        unit=unit,
        queries=tuple((expr, _name(expr, by)) for expr, by in queries),
        shape=shape,
        document=runbook and f"runbooks.md#{runbook.lower()}",
    )


def _name(expr: str, by: str) -> str:
    return legend(by) if f"by ({by}" in expr else by


def counted(
    title: str,
    metric: str,
    by: str = "",
    where: str = "",
    unit: str = "short",
    runbook: str = "",
    none: str = "",
) -> Figure:
    """How many more there are; ``none`` is shown where there are no labels yet to tell them by."""
    return figure(title, metric, unit, (increase(metric, by, where) + none, by or "all"), runbook=runbook)


def latest(
    title: str,
    metric: str,
    unit: str,
    by: str = "",
    where: str = "",
    shape: Shape = Shape.LINES,
    runbook: str = "",
) -> Figure:
    """A gauge of which each replica shows the same."""
    expr = f"max by ({by}) ({metric}{where})" if by else f"max ({metric}{where})"
    return figure(title, metric, unit, (expr, by or title), shape=shape, runbook=runbook)


def spread(title: str, metric: str, runbook: str = "") -> Figure:
    """A histogram of seconds, by its quantiles."""
    queries = [(quantile(share, metric), f"p{100 * share:g}") for share in SHARES]
    return figure(title, metric, "s", *queries, runbook=runbook)


def age(refreshed: str) -> Figure:
    """``refreshed``: the gauge that says when an API read its others anew."""
    return Figure(
        title="Age of these figures",
        meaning=f"Now less: {meaning(refreshed)}",
        unit="s",
        queries=((f"time() - max({refreshed})", "age"),),
        document="runbooks.md#rapportgaugesold",
    )
