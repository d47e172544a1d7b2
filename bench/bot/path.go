package bot

import "github.com/skirmishgg/skirmish/bench/arena"

const far = 1 << 14

// field is how many steps each tile is from a goal, and so the way there from everywhere.
type field struct {
	steps [arena.Tiles * arena.Tiles]uint16
	queue [arena.Tiles * arena.Tiles]uint16
	goal  int
}

func newField() *field { return &field{goal: -1} }

func tileOf(x, y float32) int {
	col, row := int(x/arena.Tile), int(y/arena.Tile)
	return min(max(row, 0), arena.Tiles-1)*arena.Tiles + min(max(col, 0), arena.Tiles-1)
}

// aim computes the distances to a goal, unless they are of this goal already.
func (f *field) aim(x, y float32) {
	goal := tileOf(x, y)
	if goal == f.goal {
		return
	}
	f.goal = goal
	for i := range f.steps {
		f.steps[i] = far
	}
	f.steps[goal] = 0
	f.queue[0] = uint16(goal)
	for head, tail := 0, 1; head < tail; head++ {
		at := int(f.queue[head])
		col, row := at%arena.Tiles, at/arena.Tiles
		for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			c, r := col+d[0], row+d[1]
			if next := r*arena.Tiles + c; !arena.SolidTile(c, r) && f.steps[next] == far {
				f.steps[next] = f.steps[at] + 1
				f.queue[tail] = uint16(next)
				tail++
			}
		}
	}
}

// distance is the steps from a place to the goal.
func (f *field) distance(x, y float32) uint16 { return f.steps[tileOf(x, y)] }

// next is where to walk from a place: the middle of the neighbouring tile that is nearest to the goal. Diagonals count
// when both tiles beside them are free.
func (f *field) next(x, y float32) (tx, ty float32) {
	at := tileOf(x, y)
	col, row := at%arena.Tiles, at/arena.Tiles
	best, bestCol, bestRow := f.steps[at], col, row
	for dr := -1; dr <= 1; dr++ {
		for dc := -1; dc <= 1; dc++ {
			c, r := col+dc, row+dr
			if arena.SolidTile(c, r) || arena.SolidTile(c, row) || arena.SolidTile(col, r) {
				continue
			}
			if s := f.steps[r*arena.Tiles+c]; s < best {
				best, bestCol, bestRow = s, c, r
			}
		}
	}
	return (float32(bestCol) + 0.5) * arena.Tile, (float32(bestRow) + 0.5) * arena.Tile
}
