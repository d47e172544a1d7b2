// A player in a relayed or authoritative match, over UDP: says what it hears, and says hello to all and to whoever speaks.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/heroiclabs/nakama-common/rtapi"

	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

func main() {
	ctx, api := context.Background(), &skirmish.API{URL: "http://127.0.0.1:7350"}
	session := try(api.SignIn(ctx, "device-of-zoe", "zoe"))
	token := try(api.MatchToken(ctx, session, os.Args[1], nil)) // zoe is a member from here on
	heard := make(chan *rtapi.Envelope, 64)
	m := try(skirmish.JoinCarried(ctx, token, skirmish.CarriedOptions{Push: func(e *rtapi.Envelope) { heard <- e }}))
	try(0, m.Send(1, []byte("hello, everybody")))
	for {
		select {
		case e := <-heard:
			fmt.Println(e)
			if d := e.GetMatchData(); d != nil && string(d.Data) == "bye" {
				m.Close()
			}
		case <-m.Done():
			fmt.Println(m.Err())
			return
		}
	}
}

func try[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
