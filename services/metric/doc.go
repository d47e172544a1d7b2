// Package metric counts and times what the server does and shows it in Prometheus' text form, under the names that
// dashboards for Nakama know (prefix "nakama"), and "skirmish_" for what only Skirmish has.
//
// The life of a figure: node wraps every operation with Metrics.Wrap, gives the counters to doors and features, and
// registers functions for what others know already (sessions, matches, the database pool, the engine). A call costs two
// readings of the clock and a few atomic additions; everything else happens when somebody reads Handler: values are live,
// sums over operations are made then, and quantiles are those of the last minute or two.
//
// Any goroutine may count. Label values that clients could invent are bounded; what goes beyond is counted as "other".
package metric
