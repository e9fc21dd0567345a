// Pulumi's Docker provider from Go modules alone: the Terraform provider's resources behind Pulumi's bridge, under the
// tokens that the Python SDK pulumi-docker 5.2 registers. Only the resources that Evenkeel uses are mapped.
package main

import (
	_ "embed"
	"encoding/json"
	"log"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// schema names the version of pulumi-docker whose programs this provider serves.
//
//go:embed schema.json
var schema []byte

// token is what the SDK calls a resource: docker:index/<lowerCamel>:<Name>.
func token(name string) tokens.Type {
	return tokens.Type("docker:index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name)
}

func main() {
	var served struct{ Name, Version string }
	if err := json.Unmarshal(schema, &served); err != nil {
		log.Fatalf("schema.json: %v", err)
	}
	many := false
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(provider.New(served.Version)()),
		Name:    served.Name,
		Version: served.Version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: &many},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_container": {
				Tok: token("Container"),
				// A name and a published port belong to one container at a time.
				DeleteBeforeReplace: true,
				// These two the bridge would put into the plural, the SDK doesn't.
				Fields: map[string]*tfbridge.SchemaInfo{
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
			"docker_image": {
				Tok: token("RemoteImage"),
				// An image's name is an address and never made up.
				Fields: map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}},
			},
			"docker_network": {Tok: token("Network")},
			"docker_volume":  {Tok: token("Volume")},
		},
		IgnoreMappings: []string{
			"docker_buildx_builder", "docker_config", "docker_plugin", "docker_registry_image", "docker_secret",
			"docker_service", "docker_tag",
		},
	}
	info.SetAutonaming(255, "-")
	tfbridge.Main(served.Name, served.Version, info, schema)
}
