package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
)

// SpansConfig is what the connector "spans" is configured with.
type SpansConfig struct {
	// Slow is from when on a request is kept though its trace was not asked for.
	Slow time.Duration `mapstructure:"slow"`
	// Attributes: attribute of the span -> field of the line.
	Attributes map[string]string `mapstructure:"attributes"`
}

// fields are those of a line: of a trace, what it is in, and either begin_us and end_us or end_s and total_s.
type fields map[string]any

func (f fields) text(name string) string {
	known, _ := f[name].(string)
	return known
}

func (f fields) number(name string) float64 {
	known, _ := f[name].(float64)
	return known
}

const (
	marker      = `"trace":"00-`
	failed      = 500
	microsecond = int64(time.Microsecond)
	workload    = "workload"
	member      = "member"
)

// traceparent of W3C's Trace Context, version 00: trace, span, flags.
var traceparent = regexp.MustCompile("^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")

// newSpans makes spans of the access log of those that have no tracer: each line that tells of a trace is one.
//
// A request is kept where its trace is, and where it failed or was slow. The lines go their own way besides; whatever
// becomes of the spans, no line is held up by them.
func newSpans() connector.Factory {
	return connector.NewFactory(component.MustNewType("spans"),
		func() component.Config { return &SpansConfig{Slow: time.Second} },
		connector.WithLogsToTraces(func(_ context.Context, settings connector.Settings, config component.Config,
			next consumer.Traces) (connector.Logs, error) {
			return &spans{config: config.(*SpansConfig), next: next, log: settings.Logger}, nil
		}, component.StabilityLevelStable))
}

type spans struct {
	component.StartFunc
	component.ShutdownFunc
	config *SpansConfig
	next   consumer.Traces
	log    *zap.Logger
}

func (*spans) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs never fails: an error would have the lines sent again, to whom took them already.
func (s *spans) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	made := ptrace.NewTraces()
	for _, of := range logs.ResourceLogs().All() {
		var into ptrace.SpanSlice
		found := false
		for _, scope := range of.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				line := record.Body().AsString()
				if !strings.Contains(line, marker) {
					continue
				}
				if !found {
					into, found = s.member(made, of.Resource().Attributes()), true
				}
				s.add(into, line)
			}
		}
	}
	if made.SpanCount() == 0 {
		return nil
	}
	if err := s.next.ConsumeTraces(ctx, made); err != nil {
		s.log.Warn("spans of the edge are lost", zap.Int("spans", made.SpanCount()), zap.Error(err))
	}
	return nil
}

// member is where the spans of one go.
func (s *spans) member(made ptrace.Traces, labels pcommon.Map) ptrace.SpanSlice {
	into := made.ResourceSpans().AppendEmpty()
	labels.CopyTo(into.Resource().Attributes())
	for attribute, label := range map[string]string{"service.name": workload, "service.instance.id": member} {
		if value, known := labels.Get(label); known {
			value.CopyTo(into.Resource().Attributes().PutEmpty(attribute))
		}
	}
	return into.ScopeSpans().AppendEmpty().Spans()
}

func (s *spans) add(into ptrace.SpanSlice, text string) {
	var line fields
	if json.Unmarshal([]byte(text), &line) != nil {
		return
	}
	ids := traceparent.FindStringSubmatch(line.text("trace"))
	begin, end := line.times()
	status := line.number("status")
	if ids == nil || begin <= 0 || end < begin || !s.kept(ids[3], status, time.Duration(end-begin)) {
		return
	}
	span := into.AppendEmpty()
	span.SetTraceID(pcommon.TraceID(unhex[[16]byte](ids[1])))
	span.SetSpanID(pcommon.SpanID(unhex[[8]byte](ids[2])))
	if parent := line.text("parent"); len(parent) == len(ids[2]) {
		span.SetParentSpanID(pcommon.SpanID(unhex[[8]byte](parent)))
	}
	span.SetName(line.text("method"))
	span.SetKind(ptrace.SpanKindServer)
	span.SetStartTimestamp(pcommon.Timestamp(begin))
	span.SetEndTimestamp(pcommon.Timestamp(end))
	if status >= failed {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
	for attribute, field := range s.config.Attributes {
		put(span.Attributes(), attribute, line[field])
	}
}

func (s *spans) kept(flags string, status float64, took time.Duration) bool {
	return flags == "01" || status >= failed || took >= s.config.Slow
}

// times are begin and end in nanoseconds since 1970.
func (f fields) times() (int64, int64) {
	if end := f.number("end_us"); end > 0 {
		return int64(f.number("begin_us")) * microsecond, int64(end) * microsecond
	}
	end := microseconds(f.number("end_s"))
	return end - microseconds(f.number("total_s")), end
}

// microseconds of a time in seconds, in nanoseconds: Nginx tells no more than thousandths.
func microseconds(seconds float64) int64 {
	return int64(math.Round(seconds*1e6)) * microsecond
}

// put leaves out what a line says by saying nothing: "", "-" and, for times that were not reached, -1.
func put(attributes pcommon.Map, name string, value any) {
	switch known := value.(type) {
	case nil:
	case string:
		if known != "" && known != "-" {
			attributes.PutStr(name, known)
		}
	case float64:
		if known == math.Trunc(known) && known >= 0 {
			attributes.PutInt(name, int64(known))
		} else if known >= 0 {
			attributes.PutDouble(name, known)
		}
	default:
		attributes.PutStr(name, fmt.Sprint(known))
	}
}

// unhex reads an identifier; what is none is all zeroes, which stands for none.
func unhex[T [8]byte | [16]byte](text string) T {
	var id T
	if bytes, err := hex.DecodeString(text); err == nil {
		id = T(bytes)
	}
	return id
}
