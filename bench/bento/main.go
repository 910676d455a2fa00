// Benthos' engine (of which Bento is a fork) with its HTTP input, and an output to Kafka by the library that its own
// output uses: the parts that the bench compares the edge with, without the hundred others.
package main

import (
	"context"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
)

type output struct {
	broker, topic string
	client        *kgo.Client
}

func (o *output) Connect(context.Context) (err error) {
	o.client, err = kgo.NewClient(
		kgo.SeedBrokers(o.broker),
		kgo.DefaultProduceTopic(o.topic),
		kgo.ProducerLinger(5*time.Millisecond),
	)
	return err
}

func (o *output) Write(ctx context.Context, message *service.Message) error {
	value, err := message.AsBytes()
	if err != nil {
		return err
	}
	return o.client.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr()
}

func (o *output) Close(context.Context) error {
	o.client.Close()
	return nil
}

func main() {
	spec := service.NewConfigSpec().Fields(
		service.NewStringField("broker"),
		service.NewStringField("topic"),
		service.NewIntField("max_in_flight").Default(512),
	)
	make := func(parsed *service.ParsedConfig, _ *service.Resources) (service.Output, int, error) {
		broker, err := parsed.FieldString("broker")
		if err != nil {
			return nil, 0, err
		}
		topic, err := parsed.FieldString("topic")
		if err != nil {
			return nil, 0, err
		}
		most, err := parsed.FieldInt("max_in_flight")
		return &output{broker: broker, topic: topic}, most, err
	}
	if err := service.RegisterOutput("kafka", spec, make); err != nil {
		panic(err)
	}
	service.RunCLI(context.Background())
}
