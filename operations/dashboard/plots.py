"""What of the last hour is drawn, and both colours side by side."""

from __future__ import annotations

from components.alerts.app import P95
from components.alerts.edge import ERRORS, REQUESTS
from components.pools import COLOURS
from components.settings import Settings
from operations.dashboard.figure import Curve, Figure, Limits, Plot

OF_COLOUR = 'proxy=~".+_(blue|green)_.+"'
HOUR_S, STEP_S = 3600, 30


def plots(settings: Settings) -> list[Plot]:
    """What visitors notice; each with the values from which on it is an alert."""
    limits = settings.monitoring.thresholds
    return [
        Plot("requests", "Requests a second", "per s", [Curve("all", REQUESTS, "ink"), *(
            Curve(colour, _answered(f'proxy=~".+_{colour}_.+"'), colour) for colour in COLOURS)]),
        Plot("errors", "Answered with 5xx", "%", [Curve("all", ERRORS, "bad")],
             Limits(limits.errors_warning, limits.errors_critical)),
        Plot("p95", "95 % answered within", "ms", [Curve("all", P95, "ink")],
             Limits(limits.p95_warning, limits.p95_critical)),
    ]


def by_colour(settings: Settings) -> list[Figure]:
    """The same figures for each colour, now. The hop is none."""
    limits, series = settings.monitoring.thresholds, settings.monitoring.answer_times
    answered = f"sum by (colour) ({_coloured('rate(haproxy_backend_http_responses_total{%s}[1m])')})"
    failed = answered.replace(OF_COLOUR, f'{OF_COLOUR}, code="5xx"')
    fit = _coloured("haproxy_backend_active_servers{%s}").replace(OF_COLOUR, 'proxy=~".+_(blue|green)_read"')
    return [
        Figure("colour-fit", "", "workers found fit", f"max by (colour) (sum by (member, colour) ({fit}))", "",
               ("colour",)),
        Figure("colour-requests", "", "requests a second", answered, "per s", ("colour",)),
        Figure("colour-errors", "", "answered with 5xx", f"100 * {failed} / ({answered} > 0)", "%", ("colour",),
               Limits(limits.errors_warning, limits.errors_critical), only_under_load=True),
        Figure("colour-p95", "", "95 % answered within",
               f"1000 * histogram_quantile(0.95, sum by (colour, le) (rate({series}[2m])))", "ms", ("colour",),
               Limits(limits.p95_warning, limits.p95_critical), only_under_load=True),
    ]


def _answered(matcher: str) -> str:
    return f"sum by (stack) (rate(haproxy_backend_http_responses_total{{{matcher}}}[1m]))"


def _coloured(series: str) -> str:
    """HAProxy tells backends apart by name; the colour is a part of it."""
    return f'label_replace({series % OF_COLOUR}, "colour", "$1", "proxy", ".+_(blue|green)_.+")'
