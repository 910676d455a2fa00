package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/redpanda-data/benthos/v4/public/service"
)

// An output that inserts a batch of messages as rows.
type clickhouseOutput struct {
	address, table string
	columns        []string
	connection     driver.Conn
}

func (o *clickhouseOutput) Connect(ctx context.Context) (err error) {
	o.connection, err = clickhouse.Open(&clickhouse.Options{
		Addr:        []string{o.address},
		Protocol:    clickhouse.HTTP,
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
	})
	if err != nil {
		return err
	}
	return o.connection.Ping(ctx)
}

func (o *clickhouseOutput) WriteBatch(ctx context.Context, messages service.MessageBatch) error {
	insert := fmt.Sprintf("INSERT INTO %s (%s)", o.table, strings.Join(o.columns, ", "))
	batch, err := o.connection.PrepareBatch(ctx, insert)
	if err != nil {
		return err
	}
	for _, message := range messages {
		value, err := message.AsStructured()
		if err != nil {
			return err
		}
		fields, _ := value.(map[string]any)
		row := make([]any, len(o.columns))
		for place, column := range o.columns {
			row[place] = field(fields[column])
		}
		if err := batch.Append(row...); err != nil {
			return err
		}
	}
	return batch.Send()
}

// A value as the client takes it.
func field(value any) any {
	switch number := value.(type) {
	case json.Number:
		whole, err := number.Int64()
		if err != nil {
			return nil
		}
		return whole
	case float64:
		return int64(number)
	default:
		return value
	}
}

func (o *clickhouseOutput) Close(context.Context) error {
	return o.connection.Close()
}

func registerClickHouse() error {
	spec := service.NewConfigSpec().Fields(
		service.NewStringField("address"),
		service.NewStringField("table"),
		service.NewStringField("columns"),
		service.NewBatchPolicyField("batching"),
	)
	create := func(
		parsed *service.ParsedConfig, _ *service.Resources,
	) (output service.BatchOutput, policy service.BatchPolicy, most int, err error) {
		fields, err := texts(parsed, "address", "table", "columns")
		if err != nil {
			return nil, policy, 0, err
		}
		policy, err = parsed.FieldBatchPolicy("batching")
		columns := strings.Split(fields[2], ", ")
		return &clickhouseOutput{address: fields[0], table: fields[1], columns: columns}, policy, 3, err
	}
	return service.RegisterBatchOutput("clickhouse", spec, create)
}
