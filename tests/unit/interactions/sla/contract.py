"""The SLA file of the contract."""

CONTRACT = """
name: retail
versions:
  - effective: 2020-01-01
    calendars:
      office: {timezone: Europe/Berlin,
               hours: {mon: ["09:00-12:30", "13:30-18:00"], tue: ["09:00-18:00"], sat: []},
               holidays: {country: DE, subdivision: BE},
               closed: [2026-12-24], open: {2026-12-20: ["10:00-14:00"]}}
      night: {timezone: UTC, hours: {fri: ["22:00-06:00"]}}
      always: {timezone: UTC, hours: all}
    policies:
      - {name: critical, when: {severity: [critical]}, calendar: always, first_response: 1h,
         next_response: 2h, update: 4h, resolution: 1d, warn_before: 30m,
         escalate: [{after: 0m, to: lead}, {after: 2h, to: manager}]}
      - {name: standard, calendar: office, first_response: 4h, resolution: 24h}
compensation:
  limits: [{scope: complaints:write, severity: normal, points: 500, money: {amount: 2000, currency: EUR}}]
"""
"""As the contract has it."""
