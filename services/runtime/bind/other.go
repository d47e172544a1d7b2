package bind

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/services/runtime/nk"
)

var others = []*Function{
	fn("time", "date:object?", "ms", timeOf).forLua(),
	fn("cron_next", "expression:text timestamp:int", "next", func(c *Call) ([]any, error) {
		if err := c.timestamp(); err != nil {
			return nil, err
		}
		return one(c.NK.CronNext(c.Str("expression"), c.Int64("timestamp")))
	}),
	fn("cron_prev", "expression:text timestamp:int", "prev", func(c *Call) ([]any, error) {
		if err := c.timestamp(); err != nil {
			return nil, err
		}
		return one(c.NK.CronPrev(c.Str("expression"), c.Int64("timestamp")))
	}),
	fn("http_request", "url:text method:text headers:object body:string= timeout:int=5000 insecure:bool=false", "code headers body", request).
		inJS("url:text method:text headers:object? body:string= timeout:int=5000 insecure:bool=false"),
	fn("sql_exec", "query:text params:any?", "rows_affected", execSQL),
	fn("sql_query", "query:text params:any?", "rows", querySQL),
	fn("file_read", "path:text", "data", readFile),
	fn("localcache_get", "key:text default:any?", "value", func(c *Call) ([]any, error) {
		if v, ok := c.Cache.Get(c.Str("key")); ok {
			return []any{v}, nil
		}
		return []any{c.Arg("default")}, nil
	}),
	fn("localcache_put", "key:text value:any ttl:int=0", "", putCache),
	fn("localcache_delete", "key:text", "", func(c *Call) ([]any, error) { c.Cache.Delete(c.Str("key")); return nil, nil }),
	fn("localcache_clear", "", "", func(c *Call) ([]any, error) { c.Cache.Clear(); return nil, nil }),
	fn("metrics_counter_add", "name:text tags:tags? delta:int", "", func(c *Call) ([]any, error) {
		c.NK.MetricsCounterAdd(c.Str("name"), c.Tags("tags"), c.Int64("delta"))
		return nil, nil
	}),
	fn("metrics_gauge_set", "name:text tags:tags? value:number", "", func(c *Call) ([]any, error) {
		c.NK.MetricsGaugeSet(c.Str("name"), c.Tags("tags"), c.Number("value"))
		return nil, nil
	}),
	fn("metrics_timer_record", "name:text tags:tags? value:int", "", func(c *Call) ([]any, error) {
		c.NK.MetricsTimerRecord(c.Str("name"), c.Tags("tags"), time.Duration(c.Int64("value")))
		return nil, nil
	}),
	fn("event", "name:string properties:tags? timestamp:int? external:bool=false", "", func(c *Call) ([]any, error) {
		if c.Str("name") == "" && c.Lang == Lua {
			return nil, c.Wrong("name", "expects name string")
		}
		e := &api.Event{Name: c.Str("name"), Properties: c.Tags("properties"), External: c.Bool("external")}
		if at, ok := c.Arg("timestamp").(int64); ok {
			e.Timestamp = &timestamppb.Timestamp{Seconds: at}
		}
		return none(c.NK.Event(c.Ctx, e))
	}),
}

func (c *Call) timestamp() error {
	if c.Int64("timestamp") == 0 && c.Lang == Lua {
		return c.Wrong("timestamp", "expects timestamp value")
	}
	return nil
}

// timeOf is now, or the time that a table of year, month, day and so on names, in milliseconds.
func timeOf(c *Call) ([]any, error) {
	if c.Arg("date") == nil {
		return []any{time.Now().UnixMilli()}, nil
	}
	r := Row{m: c.Object("date"), c: c, of: "date"}
	at := time.Date(int(r.Int("year", "int")), time.Month(r.Int("month", "int")), int(r.Int("day", "int")),
		int(r.IntOr("hour", 12)), int(r.IntOr("min", 0)), int(r.IntOr("sec", 0)), 0, time.UTC)
	return []any{at.UnixMilli()}, r.Err
}

func request(c *Call) ([]any, error) {
	r := nk.Request{
		URL: c.Str("url"), Method: c.Str("method"), Body: c.Str("body"), Insecure: c.Bool("insecure"),
		Timeout: time.Duration(c.Int64("timeout")) * time.Millisecond, Headers: map[string]string{},
	}
	if r.Timeout <= 0 {
		r.Timeout = 5 * time.Second
	}
	for k, v := range c.Object("headers") {
		s, ok := v.(string)
		if !ok {
			return nil, c.Wrong("headers", "expects header values to be strings")
		}
		r.Headers[k] = s
	}
	resp, err := r.Do(c.Ctx)
	if err != nil {
		return nil, err
	}
	return []any{int64(resp.Code), headers(c.Lang, resp.Headers), resp.Body}, nil
}

// headers are lists in JavaScript, and the first value of each in Lua.
func headers(l Lang, h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for k, values := range h {
		if l == Lua {
			out[k] = values[0]
			continue
		}
		all := make([]any, len(values))
		for i := range values {
			all[i] = values[i]
		}
		out[k] = all
	}
	return out
}

// sqlParams are the values of a query's placeholders.
func (c *Call) sqlParams() ([]any, error) {
	switch p := c.Arg("params").(type) {
	case nil:
		return nil, nil
	case []any:
		out := make([]any, len(p))
		for i, v := range p {
			switch v := v.(type) {
			case float64:
				if v == float64(int64(v)) {
					out[i] = int64(v)
					continue
				}
				out[i] = v
			case map[string]any, []any:
				text, err := json.Marshal(v)
				if err != nil {
					return nil, err
				}
				out[i] = string(text)
			default:
				out[i] = v
			}
		}
		return out, nil
	case map[string]any:
		if len(p) == 0 {
			return nil, nil
		}
	}
	return nil, c.Wrong("params", "expects a list of query parameters")
}

func execSQL(c *Call) ([]any, error) {
	params, err := c.sqlParams()
	if err != nil {
		return nil, err
	}
	result, err := c.DB.ExecContext(c.Ctx, c.Str("query"), params...)
	if err != nil {
		return nil, fmt.Errorf("sql exec error: %w", err)
	}
	n, err := result.RowsAffected()
	if c.Lang == JavaScript {
		return []any{new(Object).Add("rows_affected", n)}, err
	}
	return []any{n}, err
}

// rowsMax is how many rows a script gets from one query: more is an error, as they would all be in memory.
const rowsMax = 100_000

func querySQL(c *Call) ([]any, error) {
	params, err := c.sqlParams()
	if err != nil {
		return nil, err
	}
	found, err := c.DB.QueryContext(c.Ctx, c.Str("query"), params...)
	if err != nil {
		return nil, fmt.Errorf("sql query error: %w", err)
	}
	defer found.Close()
	columns, err := found.ColumnTypes()
	if err != nil {
		return nil, fmt.Errorf("sql query error: %w", err)
	}
	all := []any{}
	for found.Next() {
		if len(all) == rowsMax {
			return nil, fmt.Errorf("sql query error: more than %d rows", rowsMax)
		}
		row, err := c.row(found, columns)
		if err != nil {
			return nil, fmt.Errorf("sql query error: %w", err)
		}
		all = append(all, row)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("sql query error: %w", err)
	}
	return []any{all}, nil
}

func (c *Call) row(found *sql.Rows, columns []*sql.ColumnType) (map[string]any, error) {
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := found.Scan(into...); err != nil {
		return nil, err
	}
	row := make(map[string]any, len(columns))
	for i, column := range columns {
		row[column.Name()] = c.cell(values[i], column.DatabaseTypeName())
	}
	return row, nil
}

// cell is a column's value as scripts know it.
func (c *Call) cell(v any, typ string) any {
	switch v := v.(type) {
	case time.Time:
		if c.Lang == Lua {
			return v.Unix()
		}
		return v.Format(time.RFC3339Nano)
	case []byte:
		if c.Lang == Lua {
			return string(v)
		}
		return numbers(v)
	case string:
		if c.Lang == JavaScript && (typ == "JSON" || typ == "JSONB") {
			return numbers([]byte(v))
		}
		return v
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	case float32:
		return float64(v)
	}
	return v
}

// numbers are bytes as JavaScript modules get them from JSON and binary columns.
func numbers(b []byte) []any {
	out := make([]any, len(b))
	for i := range b {
		out[i] = int64(b[i])
	}
	return out
}

// fileMax is how large a file may be that a script reads.
const fileMax = 64 << 20

func readFile(c *Call) ([]any, error) {
	path := filepath.Join(c.Root, c.Str("path"))
	info, err := os.Stat(path)
	if err == nil && info.Size() > fileMax {
		err = fmt.Errorf("%s is larger than %d bytes", c.Str("path"), fileMax)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to open file: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read file: %w", err)
	}
	return []any{string(data)}, nil
}

var errCacheValue = errors.New("unsupported value type: must be string, numeric or boolean")

func putCache(c *Call) ([]any, error) {
	v := c.Arg("value")
	if c.Lang == JavaScript {
		switch v.(type) {
		case string, float64, int64, bool:
		default:
			return nil, c.Wrong("value", errCacheValue.Error())
		}
	}
	if ttl := c.Int64("ttl"); ttl < 0 {
		return nil, c.Wrong("ttl", "ttl must be 0 or more")
	}
	c.Cache.Put(c.Str("key"), v, time.Duration(c.Int64("ttl"))*time.Second)
	return nil, nil
}
