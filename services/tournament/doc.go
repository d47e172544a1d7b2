// Package tournament has competitions that are open for a time, once or again and again: leaderboards with a duration.
package tournament
