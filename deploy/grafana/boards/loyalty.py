"""The loyalty program: points, what they are worth, members, rewards."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Figure, Row, Shape
from deploy.grafana.kpis import rows

LAG = "rapport_accrual_lag_seconds"
LIABILITY = "rapport_points_liability_minor_units"


def board() -> Board:
    return Board(
        uid="rapport-loyalty",
        title="Rapport: loyalty",
        meaning="What members hold and are owed, what it is worth, what they do with it.",
        rows=(*rows("loyalty"), _points(), _moving(), _rewards()),
        since="now-24h",
    )


def _points() -> Row:
    held = ("outstanding", "pending", "owed")
    return Row(
        "Points and members",
        (
            *(
                Figure(
                    title=f"Points {name}",
                    meaning=meaning(f"rapport_points_{name}"),
                    unit="short",
                    queries=((f"max(rapport_points_{name})", name),),
                    shape=Shape.NUMBER,
                )
                for name in held
            ),
            Figure(
                title="Liability, in minor units",
                meaning=meaning(LIABILITY),
                unit="locale",
                queries=((f"max by (currency) ({LIABILITY})", "{{currency}}"),),
                shape=Shape.NUMBER,
            ),
        ),
    )


def _moving() -> Row:
    return Row(
        "What moves",
        (
            Figure(
                title="Points booked",
                meaning=meaning("rapport_points_total"),
                unit="suffix: points/min",
                queries=(("60 * sum by (kind) (rate(rapport_points_total[$__rate_interval]))", "{{kind}}"),),
            ),
            Figure(
                title="From purchase to points",
                meaning=meaning(LAG),
                unit="s",
                queries=tuple(
                    (f"histogram_quantile({q}, sum by (le) (rate({LAG}_bucket[$__rate_interval])))", f"p{n}")
                    for q, n in (("0.5", 50), ("0.9", 90), ("0.99", 99))
                ),
                document="runbooks.md#rapportpointscomelate",
            ),
            Figure(
                title="Members",
                meaning=meaning("rapport_members"),
                unit="suffix: members",
                queries=(("max by (tier) (rapport_members)", "{{tier}}"),),
                shape=Shape.BARS,
            ),
        ),
    )


def _rewards() -> Row:
    return Row(
        "Rewards and referrals",
        (
            Figure(
                title="Redemptions refused",
                meaning=meaning("rapport_redemptions_refused_total"),
                unit="short",
                queries=(
                    (
                        "sum by (reason) (increase(rapport_redemptions_refused_total[$__rate_interval]))",
                        "{{reason}}",
                    ),
                ),
            ),
            Figure(
                title="Vouchers used again",
                meaning=meaning("rapport_voucher_double_use_total"),
                unit="short",
                queries=(("sum(increase(rapport_voucher_double_use_total[$__rate_interval]))", "attempts"),),
                document="runbooks.md#rapportvouchersusedagain",
            ),
            Figure(
                title="Referrals",
                meaning=meaning("rapport_referrals_total"),
                unit="short",
                queries=(
                    ("sum by (result) (increase(rapport_referrals_total[$__rate_interval]))", "{{result}}"),
                ),
            ),
        ),
    )
