package bench

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/bench/proc"
)

var churnRow = Row{
	Name: "presence_churn_s",
	Doc:  "sessions leave rooms of 8 and come back, each of which is told to all in them: joins and leaves a second, over WebSockets with as many sessions as files may be open up to 50,000, and in the service alone with 50,000",
	Aim:  "≤ 2 × bare writes of as many frames",
	run:  runChurn,
}

const (
	churnSessions = 50000
	churnRooms    = 10 // of each session of the service alone: tens
	churnAim      = 2
	filesKept     = 1000 // of the limit, for what is not a session
)

func runChurn(e *env) error {
	if err := e.churnSockets(); err != nil {
		return err
	}
	return e.churnService()
}

// churnSockets measures the whole server.
func (e *env) churnSockets() error {
	sessions, limit, err := socketsMax(churnSessions)
	if err != nil {
		return err
	}
	sessions = e.quick(sessions, 200)
	api, load, err := e.startPresence(sessions, 1)
	if err != nil {
		return err
	}
	defer api.Stop()
	defer load.Stop()
	if err := load.Ask("join", nil); err != nil {
		return err
	}
	first, err := churnRun(api, load, e.o.Window/10)
	if err != nil {
		return err
	}
	floor, theirs, err := e.startFanoutFloor(e.quick(fanoutClients, 16), presenceMembers, first.Bytes/(first.Events+first.Ops))
	if err != nil {
		return err
	}
	defer floor.Stop()
	defer theirs.Stop()
	var rates, micros, floors []float64
	var last churnCost
	for range e.o.Runs {
		if last, err = churnRun(api, load, e.o.Window/2); err != nil {
			return err
		}
		least, err := e.chatRun(floor, theirs, e.o.Window/4)
		if err != nil {
			return err
		}
		ops, frames := float64(last.Ops), float64(last.Events+last.Ops)
		rates, micros = append(rates, ops/last.Seconds), append(micros, last.CPU/ops)
		floors = append(floors, least.CPU/float64(least.Deliveries)*frames/ops)
	}
	text := fmt.Sprintf("%d sessions", sessions)
	if sessions < churnSessions && !e.o.Quick {
		text += fmt.Sprintf(" (a process may open %d files here)", limit)
	}
	e.add(measured(e.row.Name, "1/s", rates).noted("%s; %d joins and leaves under way, in as many rooms; each told to %.1f; %.2f frames a read in the last run",
		text, presenceUnder, float64(last.Events)/float64(last.Ops), float64(last.Events+last.Ops)/float64(last.Reads)))
	r := measured(e.row.Name+"_us", "µs", micros).against("bare writes of as many frames", floors)
	e.add(r.aimed("≤ 2 × the bare writes", r.Ratio <= churnAim).noted("server CPU a join or leave, with its request, its answer and its events"))
	return nil
}

// churnCost is a run with what it cost the server.
type churnCost struct {
	churnReport
	CPU float64 // µs
}

func churnRun(server *apiProc, load *proc.Proc, window time.Duration) (c churnCost, err error) {
	before, err := server.mark("mark")
	if err != nil {
		return c, err
	}
	if err := load.Ask(fmt.Sprintf("run %v", window), &c.churnReport); err != nil {
		return c, err
	}
	after, err := server.mark("mark")
	c.CPU = after.CPUMicros - before.CPUMicros
	return c, err
}

// churnService measures services/presence alone.
func (e *env) churnService() error {
	sessions, rooms := e.quick(churnSessions, 200), e.quick(churnRooms, 2)
	service, err := e.server(nil, "presence", "--sessions", itoa(sessions), "--rooms", itoa(rooms))
	if err != nil {
		return err
	}
	defer service.Stop()
	bytes, presences, err := heapOf(service)
	if err != nil {
		return err
	}
	var rates []float64
	var last churnReport
	for range e.o.Runs {
		if err := service.Ask(fmt.Sprintf("run %v", e.o.Window/4), &last); err != nil {
			return err
		}
		rates = append(rates, float64(last.Ops)/last.Seconds)
	}
	e.add(measured(e.row.Name+"_service", "1/s", rates).noted("services/presence alone on one core: %d sessions in %d rooms each, %d presences of %.0f B; an event is encoded and told to %.1f on average",
		sessions, rooms, presences, bytes, float64(last.Events)/float64(last.Ops)))
	return nil
}

// heapOf lets everybody join, and says what a presence takes on the heap.
func heapOf(service *proc.Proc) (bytesEach float64, presences int, err error) {
	var before, after apiMark
	var joined churnReport
	for _, ask := range []struct {
		command string
		answer  any
	}{{"settle", &before}, {"join", &joined}, {"settle", &after}} {
		if err := service.Ask(ask.command, ask.answer); err != nil {
			return 0, 0, err
		}
	}
	return float64(after.Heap-before.Heap) / float64(joined.Ops), joined.Ops, nil
}

var presenceRow = Row{
	Name: "presence_bytes",
	Doc:  "memory of the server per presence: sessions on WebSockets, each in 10 rooms of 8",
	Aim:  "≤ 256 B",
	run:  runPresence,
}

const (
	presenceSessions = 2500
	presenceRooms    = 10
	presenceAim      = 256 // B
)

func runPresence(e *env) error {
	sessions, _, err := socketsMax(presenceSessions)
	if err != nil {
		return err
	}
	sessions = e.quick(sessions, 200)
	var resident, heap []float64
	for range min(e.o.Runs, 3) { // it opens thousands of sockets each time
		rss, live, err := e.presenceRun(sessions)
		if err != nil {
			return err
		}
		resident, heap = append(resident, rss), append(heap, live)
	}
	r := measured(e.row.Name, "B", heap)
	e.add(r.aimed("≤ 256", r.Median <= presenceAim).noted("of the heap after a collection; %d sessions in %d rooms of %d each", sessions, presenceRooms, presenceMembers))
	e.add(measured(e.row.Name+"_resident", "B", resident).noted("of resident memory, with what the joins have left behind"))
	return nil
}

func (e *env) presenceRun(sessions int) (resident, heap float64, err error) {
	api, load, err := e.startPresence(sessions, presenceRooms)
	if err != nil {
		return 0, 0, err
	}
	defer api.Stop()
	defer load.Stop()
	before, err := api.mark("settle")
	if err != nil {
		return 0, 0, err
	}
	var joined churnReport
	if err := load.Ask("join", &joined); err != nil {
		return 0, 0, err
	}
	after, err := api.mark("settle")
	n := float64(joined.Ops)
	return float64(after.RSS-before.RSS) / n, float64(after.Heap-before.Heap) / n, err
}

// startPresence starts a server with sessions that are in no room yet.
func (e *env) startPresence(sessions, rooms int) (api *apiProc, load *proc.Proc, err error) {
	if api, err = e.startAPI(""); err != nil {
		return nil, nil, err
	}
	load, err = e.load(nil, "presence-load", "--addr", api.hello.HTTP, "--sessions", itoa(sessions), "--rooms", itoa(rooms))
	if err != nil {
		api.Stop()
	}
	return api, load, err
}

// socketsMax is how many of so many sockets a process may have here, in round numbers, and its limit on files.
func socketsMax(want int) (sockets, limit int, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, 0, err
	}
	limit = int(min(l.Max, 1<<30))
	if limit < want+filesKept {
		want = max(limit-filesKept, filesKept) / 1000 * 1000
	}
	return want, limit, nil
}
