package arena

import (
	"strconv"

	"github.com/skirmishgg/skirmish/engine/match"
)

// label tells listings what there is to find:
//
//	{"map":"yard","mode":"teams","open":true,"players":3}
func (g *Game) label(c *match.Ctx) {
	players := 0
	for _, p := range g.seats {
		if p != nil {
			players++
		}
	}
	if g.peaceful {
		c.SetLabel(peacefulLabels[players])
	} else {
		c.SetLabel(teamLabels[players])
	}
}

// The labels by number of players: they are few, so a match makes none.
var teamLabels, peacefulLabels = labels("teams"), labels(Peaceful)

func labels(mode string) (list [PlayersMax + 1]string) {
	for players := range list {
		list[players] = `{"map":"yard","mode":"` + mode + `","open":` + strconv.FormatBool(players < PlayersMax) +
			`,"players":` + strconv.Itoa(players) + `}`
	}
	return list
}
