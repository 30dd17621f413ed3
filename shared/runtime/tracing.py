"""W3C trace context, carried from HTTP to events and on by CloudEvents' ``traceparent`` extension.

Only opentelemetry-api: with an SDK in the process spans are made; without one a trace passes through
as it came, and where there is none, none is begun.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.runtime.words import words

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACEPARENT = "traceparent"


def _tracer() -> trace.Tracer:
    return trace.get_tracer("rapport")


def _context(parent: str | None) -> Context:
    # An empty context, not the current one: an event's parent is what it carries, not who reads it.
    return _PROPAGATOR.extract({_TRACEPARENT: parent} if parent else {}, context=Context())


@contextmanager
def span(
    name: str,
    parent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[trace.Span]:
    """Run the block in a span under ``parent`` (a traceparent); no parent begins a trace."""
    with _tracer().start_as_current_span(
        name,
        context=_context(parent),
        kind=kind,
        attributes=dict(attributes or {}),
        record_exception=False,  # it would take the error's own words, which may quote what was sent
        set_status_on_exception=False,
    ) as started:
        try:
            yield started
        except Exception as error:  # whatever it is: its kind is told, and it goes on
            started.set_status(trace.StatusCode.ERROR, words(error))
            raise


def current_traceparent() -> str | None:
    """The traceparent of the span that the caller runs in, for what it sends on."""
    carrier: dict[str, Any] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(_TRACEPARENT)


def current_trace_id() -> str | None:
    """32 hex digits, for logs."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def child_traceparent(parent: str | None) -> str | None:
    """The traceparent for an event caused by one that carried ``parent``.

    With an SDK a new (ended) span under it; without one ``parent`` itself. None, or what is not a
    traceparent, gives None: a trace is begun where a request enters, not in the middle.
    """
    context = _context(parent)
    if not trace.get_current_span(context).get_span_context().is_valid:
        return None
    child = _tracer().start_span("emit", context=context, kind=SpanKind.PRODUCER)
    child.end()
    carrier: dict[str, Any] = {}
    _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(child, Context()))
    return carrier.get(_TRACEPARENT)
