// Records what the Go SDK writes: go get github.com/cloudevents/sdk-go/v2@v2.16.2 && go run golang.go > golang.json
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

type message struct {
	Transport string       `json:"transport"`
	Mode      string       `json:"mode"`
	Name      string       `json:"name"`
	Headers   [][2]*string `json:"headers"`
	Body      *string      `json:"body"`
}

func purchase(order string) map[string]any {
	money := map[string]any{"amount": 1299.0, "currency": "EUR"}
	line := map[string]any{"sku": "x", "quantity": 1, "unit_price": money}
	return map[string]any{"order_id": order, "channel": "web", "total": money, "items": []any{line}, "note": "Grüße ☃"}
}

func told(name, kind string) event.Event {
	e := event.New()
	e.SetID(name)
	e.SetSource("/sdk/golang")
	e.SetType("rapport.purchase.made.v1")
	e.SetSubject("golang-" + name)
	e.SetTime(time.Date(2025, 12, 31, 23, 59, 59, 999999999, time.UTC))
	e.SetExtension("region", "Köln \"Nord\" 100% ☃")
	e.SetExtension("sequence", 7)
	e.SetExtension("sampled", true)
	switch kind {
	case "plain":
		must(e.SetData("application/json", purchase(name)))
	case "typed":
		must(e.SetData("Application/JSON; charset=UTF-8", []byte(must1(json.Marshal(purchase(name))))))
	case "bytes":
		e.SetDataContentType("application/json")
		e.DataEncoded = must1(json.Marshal(purchase(name)))
		e.DataBase64 = true
	case "nothing":
		e.SetType("rapport.customer.erased.v1")
	}
	return e
}

func recorded(mode, name string, r *http.Request) message {
	m := message{Transport: "http", Mode: mode, Name: name, Headers: [][2]*string{}}
	names := []string{}
	for header := range r.Header {
		names = append(names, header)
	}
	sort.Strings(names)
	for _, header := range names {
		value := base64.StdEncoding.EncodeToString([]byte(strings.Join(r.Header[header], ",")))
		m.Headers = append(m.Headers, [2]*string{&header, &value})
	}
	body := ""
	if r.Body != nil {
		body = base64.StdEncoding.EncodeToString(must1(io.ReadAll(r.Body)))
	}
	m.Body = &body
	return m
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func must1[T any](value T, err error) T {
	must(err)
	return value
}

func main() {
	plain, url := context.Background(), "http://localhost/events"
	contexts := map[string]context.Context{
		"binary":     binding.WithForceBinary(plain),
		"structured": binding.WithForceStructured(plain),
	}
	messages := []message{}
	for _, kind := range []string{"plain", "typed", "bytes", "nothing"} {
		for _, mode := range []string{"structured", "binary"} {
			name := fmt.Sprintf("http-%s-%s", mode, kind)
			r := must1(cehttp.NewHTTPRequestFromEvent(contexts[mode], url, told(name, kind)))
			messages = append(messages, recorded(mode, name, r))
		}
	}
	batch := []event.Event{told("http-batch-1", "plain"), told("http-batch-2", "bytes")}
	r := must1(cehttp.NewHTTPRequestFromEvents(plain, url, batch))
	messages = append(messages, recorded("batch", "http-batch", r))
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	must(out.Encode(map[string]any{"sdk": "github.com/cloudevents/sdk-go/v2 2.16.2", "messages": messages}))
}
