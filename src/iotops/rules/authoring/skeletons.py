"""A new rule of each kind: a beginning that checks, whose tests pass, and that says what to change."""

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "threshold": """\
  - alert: NAME
    # Which devices: labels from devices.yaml or the device's own status.
    match: {type: freezer}
    # Limits by name, so that `overrides` can set others for some devices.
    params: {warn: -15, ok: -18}
    when: temp > warn
    for: 5m
    # A gap between firing and recovery keeps the alert from flapping.
    until: temp < ok
    summary: ${name} at ${temp:.1f} (limit ${warn})
    tests:
      - name: above the limit for five minutes, until well below it
        every: 1m
        given: {temp: -20x2 -15 -14x7 -18 -17x3 -19}
        expect: {8m: warning, 14m: resolved}
      - name: at the limit, or above it for less
        every: 1m
        given: {temp: -20x2 -14x5 -15x8 -20x2}
        expect: {}
      - name: another device
        device: {type: oven}
        every: 1m
        given: {temp: 20x12}
        expect: {}
""",
    "no-data": """\
  - alert: NAME
    match: {type: meter}
    # `every` is the interval that the device keeps, or that the catalogue declares.
    when: age() >= 3 * every
    summary: ${name} silent for ${age()}
    tests:
      - name: three intervals without a word, then back
        every: 1m
        given: {temp: 20x5 _x4 20x2}
        expect: {7m: warning, 9m: resolved}
      - name: two missing readings are no silence
        every: 1m
        given: {temp: 20x5 _x2 20x3}
        expect: {}
      - name: another device
        device: {type: button}
        every: 1m
        given: {temp: 20x5 _x9}
        expect: {}
""",
    "rate": """\
  - alert: NAME
    match: {type: water_meter}
    params: {limit: 50}
    # The steps up of a counter within the window; a counter that starts again at 0 is no leak.
    when: increase(water[1h]) > limit
    summary: ${name} counted ${increase(water[1h]):.0f} in an hour (limit ${limit})
    tests:
      - name: sixty in an hour are too many, a counter that was replaced is not
        every: 10m
        given: {water: 9000x7 0x2 10 20 30 40 50 60}
        expect: {140m: warning}
      - name: fifty in an hour are not, until they come a little faster
        every: 10m
        given: {water: 0..50x7 50x7 50..101x7 101x3}
        expect: {200m: warning, 210m: resolved}
      - name: a little more than fifty in exactly an hour
        every: 6m
        given: {water: 0..51x11}
        expect: {60m: warning}
      - name: another device
        device: {type: gas_meter}
        every: 10m
        given: {water: 0..120x13}
        expect: {}
""",
    "forecast": """\
  - alert: NAME
    match: {type: tank}
    params: {low: 10}
    # The straight line through the last hour, two hours further on.
    when: forecast(level[1h], 2h) < low
    summary: ${name} at ${level:.0f}, below ${low} within two hours
    tests:
      - name: falls evenly, and is filled
        every: 1m
        given: {level: 80..35x181 90x60}
        expect: {161m: warning, 181m: resolved}
      - name: begins to fall after a long calm
        every: 1m
        given: {level: 80x90 79..20x60}
        expect: {116m: warning}
      - name: another device
        device: {type: silo}
        every: 1m
        given: {level: 80..35x181}
        expect: {}
""",
    "anomaly": """\
  - alert: NAME
    match: {type: compressor}
    # How unusual a value is for its hour of the day, in robust standard deviations; missing while there is no past.
    when: abs(anomaly(power, 1d)) > 5
    for: 15m
    summary: ${name} draws ${power:.1f}, which is unusual at this hour
    # A trial first: alerts, and no incidents.
    mode: shadow
    tests:
      - name: ten times as much as on the ten days before
        every: 1h
        given: {power: 5x240 50x2 5x4}
        expect: {240h15m: warning, 242h: resolved}
      - name: nothing is unusual while there is no past to compare with
        every: 1h
        given: {power: 5x4 50x2 5x4}
        expect: {}
      # Up and down each day, in its first hour from 0 to 30: 89.13 is five deviations from the middle, 91 is more.
      - name: more than at this hour of the three days before, for a quarter of an hour
        every: 15m
        given: {power: 0..470x48 470..0x48 0..470x48 470..0x48 0..470x48 470..0x48 91 200x2}
        expect: {3d15m: warning}
      - name: five times the usual spread is still usual
        every: 15m
        given: {power: 0..470x48 470..0x48 0..470x48 470..0x48 0..470x48 470..0x48 89.13 200x2}
        expect: {3d30m: warning}
      - name: another device
        device: {type: fan}
        every: 1h
        given: {power: 5x240 50x2 5x4}
        expect: {}
""",
    "quorum": """\
  - alert: NAME
    match: {type: freezer}
    # One alert for each site, whatever the number of its freezers.
    per: site
    params: {warn: -15}
    when: devices(temp > warn) >= 3 and share(temp > warn) >= 0.5
    for: 5m
    severity: critical
    summary: ${devices(temp > warn)} freezers warm at ${site}
    tests:
      - name: three of four warm
        every: 1m
        given:
          fz-1: {temp: -20x2 -10x8}
          fz-2: {temp: -20x2 -10x8}
          fz-3: {temp: -20x2 -10x8}
          fz-4: {temp: -20x10}
        expect: {7m: critical}
      - name: half of them, just above the limit, until one is back
        every: 1m
        given:
          fz-1: {temp: -14.5x8}
          fz-2: {temp: -14.5x8}
          fz-3: {temp: -14.5x7 -15}
          fz-4: {temp: -20x8}
          fz-5: {temp: -20x8}
          fz-6: {temp: -20x8}
        expect: {5m: critical, 7m: resolved}
      - name: two are too few, whatever the share, and at the limit is not above it
        every: 1m
        given:
          fz-1: {temp: -10x8}
          fz-2: {temp: -10x8}
          fz-3: {temp: -15x8}
          fz-4: {temp: -15x8}
        expect: {}
      - name: five of eleven are less than half
        every: 1m
        given:
          fz-01: {temp: -10x8}
          fz-02: {temp: -10x8}
          fz-03: {temp: -10x8}
          fz-04: {temp: -10x8}
          fz-05: {temp: -10x8}
          fz-06: {temp: -15x8}
          fz-07: {temp: -15x8}
          fz-08: {temp: -15x8}
          fz-09: {temp: -15x8}
          fz-10: {temp: -15x8}
          fz-11: {temp: -15x8}
        expect: {}
      - name: other devices
        device: {type: fridge}
        every: 1m
        given:
          fr-1: {temp: 4x8}
          fr-2: {temp: 4x8}
          fr-3: {temp: 4x8}
        expect: {}
""",
    "sequence": """\
  - alert: NAME
    match: {type: pump}
    # One step after the other; `within` counts from the step before, `not` must not happen in that time.
    sequence:
      - when: valve == "closed"
      - {when: amps > 4, within: 30s}
      - {not: flow > 0.1, within: 20s}
    until: amps < 1
    severity: critical
    summary: ${name} runs against a closed valve
    tests:
      - name: the motor runs against a closed valve, until it is switched off
        given: {valve: {0s: closed}, amps: {0s: 4, 30s: 4.1, 60s: 4.1, 70s: 1, 80s: 0.95}, flow: {0s: 0, 40s: 0.1}}
        expect: {50s: critical, 80s: resolved}
      - name: started too late, or with flow
        given: {valve: {0s: closed}, amps: {0s: 0, 31s: 5, 90s: 5}, flow: {0s: 0}}
        expect: {}
      - name: water flows after all
        given: {valve: {0s: closed}, amps: {0s: 0, 10s: 5, 90s: 5}, flow: {0s: 0, 30s: 0.105}}
        expect: {}
      - name: another device
        device: {type: valve}
        given: {valve: {0s: closed}, amps: {0s: 0, 10s: 5, 90s: 5}, flow: {0s: 0}}
        expect: {}
""",
}
"""Kind -> the rule's lines below `rules:`, with NAME for its name."""
