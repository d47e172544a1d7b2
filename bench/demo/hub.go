package demo

import (
	"encoding/json"
	"sync"
	"time"
)

const (
	historyMax   = 240 // samples of Figures a new page is given: two minutes at two a second
	viewersMax   = 16
	viewerQueue  = 32 // messages; a browser that is a second behind loses frames
	figuresEvery = 500 * time.Millisecond
)

// hub hands what the page shows to the browsers that watch. A browser that does not keep up loses frames; one that is so
// slow that it would lose anything else is cut off, and starts over with the whole state when it comes back.
type hub struct {
	mu      sync.Mutex
	viewers map[*viewer]struct{}
	scene   []byte // last messages, for whoever joins
	roster  []byte
	history []Figures
	closed  bool
	frame   []byte // scratch
}

// viewer is one browser. Its messages end when gone is closed.
type viewer struct {
	messages chan []byte
	gone     chan struct{}
}

func newHub() *hub { return &hub{viewers: map[*viewer]struct{}{}} }

// join returns nil when there are too many, or the hub is closed.
func (h *hub) join() *viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.viewers) >= viewersMax {
		return nil
	}
	v := &viewer{messages: make(chan []byte, viewerQueue), gone: make(chan struct{})}
	for _, message := range [][]byte{h.scene, h.roster} {
		if message != nil {
			v.messages <- message
		}
	}
	if len(h.history) > 0 {
		v.messages <- message("history", h.history)
	}
	h.viewers[v] = struct{}{}
	return v
}

func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}

func (h *hub) drop(v *viewer) {
	if _, ok := h.viewers[v]; ok {
		delete(h.viewers, v)
		close(v.gone)
	}
}

func (h *hub) setScene(s *Scene) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scene = message("scene", s)
	h.must(h.scene)
}

func (h *hub) setRoster(names []Name) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roster = message("roster", names)
	h.must(h.roster)
}

func (h *hub) addFigures(f Figures) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.history) == historyMax {
		h.history = append(h.history[:0], h.history[1:]...)
	}
	h.history = append(h.history, f)
	h.must(message("figures", f))
}

// addFrame may be lost on its way to a slow browser.
func (h *hub) addFrame(f *Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers) == 0 {
		return
	}
	h.frame = append(h.frame[:0], "event: frame\ndata: "...)
	h.frame = append(f.appendJSON(h.frame), '\n', '\n')
	message := append([]byte(nil), h.frame...)
	for v := range h.viewers {
		select {
		case v.messages <- message:
		default:
		}
	}
}

// must hands out what no viewer may miss.
func (h *hub) must(message []byte) {
	for v := range h.viewers {
		select {
		case v.messages <- message:
		default:
			h.drop(v)
		}
	}
}

// close tells every browser that this was all.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	h.must(message("end", struct{}{}))
	for v := range h.viewers {
		h.drop(v)
	}
}

// message is one server-sent event.
func message(kind string, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("demo: " + err.Error()) // our own types
	}
	return []byte("event: " + kind + "\ndata: " + string(data) + "\n\n")
}
