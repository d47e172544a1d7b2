package rest

import (
	"net/http"
	"strings"
)

var anyOrigin = []string{"*"}

// cors answers preflights and OPTIONS requests, and marks the answers that pages of other origins may read. Nothing is
// said about credentials or lifetimes, and only the methods that browsers do not allow by themselves are named.
func cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header["Origin"]
	if len(origin) == 0 || origin[0] == "" {
		return r.Method == http.MethodOptions // 200 with nothing in it
	}
	if r.Method != http.MethodOptions {
		w.Header()["Access-Control-Allow-Origin"] = anyOrigin
		return false
	}
	preflight(w, r)
	return true
}

func preflight(w http.ResponseWriter, r *http.Request) {
	method, asked := r.Header["Access-Control-Request-Method"]
	if !asked {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	mustBeNamed, ok := allowedMethod(method[0])
	if !ok {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	headers, ok := allowedHeaders(r.Header.Get("Access-Control-Request-Headers"))
	if !ok {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	answer := w.Header()
	answer["Access-Control-Allow-Origin"] = anyOrigin
	if mustBeNamed {
		answer["Access-Control-Allow-Methods"] = method[:1]
	}
	if len(headers) > 0 {
		answer["Access-Control-Allow-Headers"] = []string{strings.Join(headers, ",")}
	}
	w.WriteHeader(http.StatusOK)
}

func allowedMethod(method string) (mustBeNamed, ok bool) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return false, true
	case http.MethodPut, http.MethodDelete:
		return true, true
	}
	return false, false
}

// allowedHeaders are those of a comma list that must be named; not ok when one is not allowed at all.
func allowedHeaders(list string) (named []string, ok bool) {
	for name := range strings.SplitSeq(list, ",") {
		switch name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name {
		case "", "Accept", "Accept-Language", "Content-Language", "Origin": // browsers send these anyway
		case "Authorization", "Content-Type", "User-Agent":
			named = append(named, name)
		default:
			return nil, false
		}
	}
	return named, true
}
