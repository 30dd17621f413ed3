"""Followup's rules for people whose lives are told: what goes at once, and hours later."""

from datetime import timedelta

RULES = """
name: faults
sender: {name: Store, address: hello@rapport.example}
timezone: UTC
stale_after: 30d
hold_during_complaint: []
templates:
  welcome: {purpose: service}
  win-back: {purpose: marketing}
rules:
  - {name: notice, triggers: [subscription.started], for_each: subscription_id, delay: 0s, template: welcome}
  - {name: offer, triggers: [subscription.started], for_each: subscription_id, delay: 6h, template: win-back}
  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 5h, template: welcome}
"""
TICK = timedelta(seconds=1)
"""Between two things that are told of somebody."""
