"""The loyalty program: points, what they are worth, members, rewards."""

from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import rows
from deploy.grafana.promql import rate
from deploy.grafana.usual import age, counted, figure, latest, spread

BOOKED = "rapport_points_total"
WORTH = "rapport_points_liability_minor_units"
MEMBERS = "rapport_members"


def board() -> Board:
    return Board(
        uid="rapport-loyalty",
        title="Rapport: loyalty",
        meaning="What members hold and are owed, what it is worth, what they do with it.",
        rows=(
            *rows("loyalty"),
            Row("Points", _points()),
            Row("What moves", _moving()),
            Row("Rewards and referrals", _rewards()),
        ),
        choices=(Choice("currency", WORTH, "Currency"), Choice("tier", MEMBERS, "Tier")),
        since="now-24h",
    )


def _points() -> tuple[Figure, ...]:
    held, of = ("outstanding", "pending", "owed"), '{currency=~"$currency"}'
    return (
        *(latest(f"Points {one}", f"rapport_points_{one}", "short", shape=Shape.NUMBER) for one in held),
        latest("Liability, in minor units", WORTH, "locale", "currency", of, Shape.NUMBER),
    )


def _moving() -> tuple[Figure, ...]:
    booked = (f"60 * {rate(BOOKED, 'kind')}", "kind")
    lag, of = "rapport_accrual_lag_seconds", '{tier=~"$tier"}'
    return (
        figure("Points booked", BOOKED, "suffix: points/min", booked),
        spread("From purchase to points", lag, runbook="RapportPointsComeLate"),
        latest("Members", MEMBERS, "suffix: members", "tier", of, Shape.BARS),
    )


def _rewards() -> tuple[Figure, ...]:
    used = "rapport_voucher_double_use_total"
    return (
        counted("Redemptions refused", "rapport_redemptions_refused_total", "reason"),
        counted("Vouchers used again", used, runbook="RapportVouchersUsedAgain"),
        counted("Referrals", "rapport_referrals_total", "result"),
        age("rapport_loyalty_refreshed_timestamp_seconds"),
    )
