// Benthos' engine (of which Bento is a fork) with what the bench compares Tracker with: its HTTP input and an output to Kafka,
// and an input from Kafka and an output to ClickHouse, by the libraries that its own use; without the hundred others.
package main

import (
	"context"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
)

func main() {
	for _, register := range []func() error{registerKafkaOutput, registerKafkaInput, registerClickHouse} {
		if err := register(); err != nil {
			panic(err)
		}
	}
	service.RunCLI(context.Background())
}
