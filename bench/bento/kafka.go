package main

import (
	"context"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An output that produces each message and waits for its acknowledgement.
type kafkaOutput struct {
	broker, topic string
	client        *kgo.Client
}

func (o *kafkaOutput) Connect(context.Context) (err error) {
	o.client, err = kgo.NewClient(
		kgo.SeedBrokers(o.broker),
		kgo.DefaultProduceTopic(o.topic),
		kgo.ProducerLinger(5*time.Millisecond),
	)
	return err
}

func (o *kafkaOutput) Write(ctx context.Context, message *service.Message) error {
	value, err := message.AsBytes()
	if err != nil {
		return err
	}
	return o.client.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr()
}

func (o *kafkaOutput) Close(context.Context) error {
	o.client.Close()
	return nil
}

func registerKafkaOutput() error {
	spec := service.NewConfigSpec().Fields(
		service.NewStringField("broker"),
		service.NewStringField("topic"),
		service.NewIntField("max_in_flight").Default(512),
	)
	create := func(parsed *service.ParsedConfig, _ *service.Resources) (service.Output, int, error) {
		fields, err := texts(parsed, "broker", "topic")
		if err != nil {
			return nil, 0, err
		}
		most, err := parsed.FieldInt("max_in_flight")
		return &kafkaOutput{broker: fields[0], topic: fields[1]}, most, err
	}
	return service.RegisterOutput("kafka", spec, create)
}

// An input that reads as a member of a group, and commits what was acknowledged.
type kafkaInput struct {
	broker, topic, group string
	client               *kgo.Client
}

func (i *kafkaInput) Connect(context.Context) (err error) {
	i.client, err = kgo.NewClient(
		kgo.SeedBrokers(i.broker),
		kgo.ConsumeTopics(i.topic),
		kgo.ConsumerGroup(i.group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(),
	)
	return err
}

func (i *kafkaInput) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	fetches := i.client.PollRecords(ctx, 10_000)
	if err := fetches.Err(); err != nil {
		return nil, nil, err
	}
	records := fetches.Records()
	batch := make(service.MessageBatch, 0, len(records))
	for _, record := range records {
		batch = append(batch, service.NewMessage(record.Value))
	}
	acknowledge := func(_ context.Context, err error) error {
		if err == nil {
			i.client.MarkCommitRecords(records...)
		}
		return nil
	}
	return batch, acknowledge, nil
}

func (i *kafkaInput) Close(context.Context) error {
	i.client.Close()
	return nil
}

func registerKafkaInput() error {
	spec := service.NewConfigSpec().Fields(
		service.NewStringField("broker"),
		service.NewStringField("topic"),
		service.NewStringField("group"),
	)
	create := func(parsed *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
		fields, err := texts(parsed, "broker", "topic", "group")
		if err != nil {
			return nil, err
		}
		input := &kafkaInput{broker: fields[0], topic: fields[1], group: fields[2]}
		return service.AutoRetryNacksBatched(input), nil
	}
	return service.RegisterBatchInput("kafka", spec, create)
}

// The fields of these names.
func texts(parsed *service.ParsedConfig, names ...string) ([]string, error) {
	var all []string
	for _, name := range names {
		text, err := parsed.FieldString(name)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}
