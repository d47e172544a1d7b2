package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Values of an address that does not say them.
const (
	databaseUser = "root"
	databaseName = "nakama"
)

var errDSN = errors.New("not a database address")

// DSN makes a connection URL of an entry of database.address: postgresql://user:password@host:port/dbname?sslmode=prefer.
// Errors: it is none. The address is not in the error, it may hold a password.
func DSN(address string) (string, error) {
	u, err := parseDSN(address)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func parseDSN(address string) (*url.URL, error) {
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if scheme != "postgres" && scheme != "postgresql" {
			return nil, fmt.Errorf("%w: it begins with %q", errDSN, scheme+"://")
		}
		address = rest
	}
	u, err := url.Parse("postgresql://" + address)
	if err != nil {
		return nil, errDSN
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || (u.Host == "" && query.Get("host") == "") || u.Fragment != "" {
		return nil, errDSN
	}
	if u.User.Username() == "" {
		if password, ok := u.User.Password(); ok {
			u.User = url.UserPassword(databaseUser, password)
		} else {
			u.User = url.User(databaseUser)
		}
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/" + databaseName
	}
	if !query.Has("sslmode") {
		query.Set("sslmode", "prefer")
		u.RawQuery = query.Encode()
	}
	return u, nil
}

// DSN is the connection URL of the database in use, "" for the embedded store.
func (c *Config) DSN() string {
	if c.Embedded() {
		return ""
	}
	dsn, _ := DSN(c.Database.Address[0]) // checked by Load
	return dsn
}

// RedactDSN hides the passwords of an address or URL, for logs.
func RedactDSN(address string) string {
	u, err := parseDSN(address)
	if err != nil {
		return "(not a database address)"
	}
	if _, ok := u.User.Password(); ok {
		u.User = url.UserPassword(u.User.Username(), "x") // replaced below: String would escape the asterisks
	}
	query := u.Query()
	for _, name := range []string{"password", "sslpassword", "passfile", "sslkey"} {
		if query.Has(name) {
			query.Set(name, "x")
			u.RawQuery = query.Encode()
		}
	}
	return strings.Replace(u.String(), ":x@", ":"+mask+"@", 1)
}
