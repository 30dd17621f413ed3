"""What goes in a mail where not all may that is due: one of a rule that says so, ten at most (ADR 42)."""

from datetime import timedelta

from shared.schemas.outreach import OutreachSent, OutreachSuppressed

from .bundled import balanced, known, mails, went
from .driver import DAY, HOUR, NOON, Driver, granted, profile, purchase, written

HEAD = """
name: bundles
sender: {name: Store, address: hello@store.example}
quiet_hours: {from: "21:00", to: "08:00"}
CAP
templates:
  thank-you: {purpose: marketing}
  welcome: {purpose: marketing}
rules:
"""
ONCE = """  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you,
     bundle: true, at_most_one_in: 6h}
"""
TWELVE = "".join(
    f"  - {{name: r{n:02}, triggers: [purchase.made], for_each: order_id, delay: {n + 1}m, "
    f"template: thank-you, bundle: true, priority: {n}}}\n"
    for n in range(12)
)
MORNING = NOON.replace(hour=8) + DAY


def at_night(text: str, hour: int, cap: str = "") -> Driver:
    driver = Driver(policy=written(text.replace("CAP", cap)), now=NOON.replace(hour=hour, minute=30))
    driver.event(profile())
    driver.event(granted())
    return driver


def test_one_of_a_rule_that_goes_once_in_a_while_is_in_a_mail() -> None:
    """Both were due in one night, further apart than the rule says; both may go in the morning."""
    driver = at_night(HEAD + ONCE, 19)
    driver.event(purchase("o-1"))
    driver.after(timedelta(hours=6, minutes=30))
    driver.event(purchase("o-2"))
    driver.after(2 * DAY)
    assert mails(driver) == [(MORNING, "thanks")]
    assert went(driver) == ["thanks"]
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["duplicate"]
    balanced(driver)


def test_a_mate_of_such_a_rule_is_in_it_once_too() -> None:
    hello = (
        "{name: hello, triggers: [purchase.made], delay: 3h, template: welcome, bundle: true, priority: 2}"
    )
    driver = at_night(f"{HEAD}{ONCE}  - {hello}\n", 19)
    driver.event(purchase("o-1"))
    driver.after(timedelta(hours=6, minutes=30))
    driver.event(purchase("o-2"))
    driver.after(2 * DAY)
    assert mails(driver) == [(MORNING, "hello")]
    assert went(driver) == ["hello", "thanks"]
    told = [fact.reason for fact in driver.facts(OutreachSuppressed) if fact.rule == "thanks"]
    assert told == ["duplicate"]


def test_another_of_a_rule_that_goes_once_in_a_while_is_not_waited_for() -> None:
    driver = known(text=HEAD.replace("CAP", "") + ONCE)
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"), at=driver.now + timedelta(hours=6, minutes=30))
    driver.after(2 * DAY)
    assert mails(driver)[0] == (NOON + 2 * HOUR, "thanks")


def test_of_more_than_ten_the_most_important_go_first() -> None:
    driver = at_night(HEAD + TWELVE, 21)
    driver.event(purchase())
    driver.until(MORNING + timedelta(seconds=1))
    by_mail = {mail["_id"]: mail["rule"] for mail in driver.sent}
    assert sorted(by_mail.values()) == ["r01", "r11"]
    sent = {row["rule"]: by_mail[row.get("mail", row["_id"])] for row in driver.rows.values()}
    assert sent == {f"r{n:02}": "r11" if n > 1 else "r01" for n in range(12)}
    balanced(driver)


def test_where_one_mail_is_all_that_may_go_it_is_that_of_the_most_important() -> None:
    driver = at_night(HEAD + TWELVE, 21, "frequency_cap: {max: 1, per: 30d, purposes: [marketing]}")
    driver.event(purchase())
    driver.until(MORNING + HOUR)
    assert sorted(fact.rule for fact in driver.facts(OutreachSent)) == [f"r{n:02}" for n in range(2, 12)]
    told = sorted((fact.rule, fact.reason) for fact in driver.facts(OutreachSuppressed))
    assert told == [("r00", "frequency_cap"), ("r01", "frequency_cap")]
