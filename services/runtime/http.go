package runtime

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// routes is one handler for the HTTP handlers of modules; nil when there are none. The patterns are gorilla/mux's, and so
// are the variables that handlers find: modules import mux.Vars.
func routes(list []Route) (http.Handler, error) {
	if len(list) == 0 {
		return nil, nil
	}
	router := mux.NewRouter()
	for _, r := range list {
		if !strings.HasPrefix(r.Pattern, "/") {
			return nil, fmt.Errorf("HTTP handler: path pattern %q does not start with /", r.Pattern)
		}
		route := router.HandleFunc(r.Pattern, r.Handler)
		if len(r.Methods) > 0 {
			route = route.Methods(r.Methods...)
		}
		if err := route.GetError(); err != nil {
			return nil, fmt.Errorf("HTTP handler of %q: %w", r.Pattern, err)
		}
	}
	return router, nil
}

// HTTP is the handler that modules have for a request, nil when there is none. A panic in it is the HTTP server's to catch.
func (s *Set) HTTP(r *http.Request) http.Handler {
	router, ok := s.http.(*mux.Router)
	if !ok {
		return nil
	}
	var m mux.RouteMatch
	if !router.Match(r, &m) || m.MatchErr != nil {
		return nil
	}
	return router
}
