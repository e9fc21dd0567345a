// The OpenTelemetry Collector with the parts that templates/collector configures, and no others: a tenth of what the
// usual distribution carries; and spans.go, which is our own.
package main

import (
	"errors"
	"log"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

func parts() (otelcol.Factories, error) {
	var failed error
	made := otelcol.Factories{
		Telemetry:  otelconftelemetry.NewFactory(),
		Extensions: factories[extension.Factory](&failed, filestorage.NewFactory()),
		Receivers:  factories(&failed, filelogreceiver.NewFactory(), otlpreceiver.NewFactory()),
		Connectors: factories(&failed, newSpans()),
		Exporters:  factories[exporter.Factory](&failed, otlphttpexporter.NewFactory()),
	}
	return made, failed
}

func factories[F component.Factory](failed *error, known ...F) map[component.Type]F {
	made, err := otelcol.MakeFactoryMap(known...)
	*failed = errors.Join(*failed, err)
	return made
}

func main() {
	settings := otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "collector", Description: "Evenkeel's collector", Version: "0.165.0"},
		Factories: parts,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
				DefaultScheme:     "file",
			},
		},
	}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {
		log.SetFlags(0)
		log.Print(err)
		os.Exit(1)
	}
}
