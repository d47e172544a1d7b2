package arena

import (
	"math"
	"strings"
)

// Size is the length of the map's sides; Tile that of one cell of it.
const (
	Size  = 64.0
	Tile  = 2.0
	Tiles = 32
)

// plan is the map: # walls, 1 and 2 where the teams appear, h a r pickups.
const plan = `
################################
#1.....#................#.....1#
#..1...#....h......a....#...1..#
#......#................#......#
#......#....########....#......#
#..............................#
#......................##......#
####..######........####....####
#..........#........#..........#
#..........#...r....#..........#
#....h.....#........#.....h....#
#..........##......##..........#
#...##....................##...#
#...##....................##...#
#.............####.............#
#.....r.......####.......r.....#
#.............####.............#
#.............####.............#
#...##....................##...#
#...##....................##...#
#..........##......##..........#
#....a.....#........#.....a....#
#..........#....r...#..........#
#..........#........#..........#
####....####........######..####
#......##......................#
#..............................#
#......#....########....#......#
#......#................#......#
#..2...#....a......h....#...2..#
#2.....#................#.....2#
################################`

// Map is the arena as tiles.
var (
	solid   [Tiles][Tiles]bool
	spawns  [2][][2]float32
	pickups [][3]float32 // x, y, what
)

func init() {
	for row, line := range strings.Split(strings.TrimSpace(plan), "\n") {
		for col, c := range line {
			x, y := (float32(col)+0.5)*Tile, (float32(row)+0.5)*Tile
			switch c {
			case '#':
				solid[row][col] = true
			case '1', '2':
				spawns[c-'1'] = append(spawns[c-'1'], [2]float32{x, y})
			case 'h', 'a', 'r':
				pickups = append(pickups, [3]float32{x, y, float32(strings.IndexRune("har", c))})
			}
		}
	}
}

// Solid reports whether a point is in a wall, or outside.
func Solid(x, y float32) bool {
	return SolidTile(int(math.Floor(float64(x/Tile))), int(math.Floor(float64(y/Tile))))
}

// SolidTile is Solid for a tile.
func SolidTile(col, row int) bool {
	return col < 0 || row < 0 || col >= Tiles || row >= Tiles || solid[row][col]
}

// Ray is how far it is from x, y along the unit vector dx, dy to the first wall, at most reach.
func Ray(x, y, dx, dy, reach float32) float32 {
	col, row := int(x/Tile), int(y/Tile)
	if SolidTile(col, row) {
		return 0
	}
	stepX, nextX, everyX := axis(x, dx, col)
	stepY, nextY, everyY := axis(y, dy, row)
	for {
		var at float32
		if nextX < nextY {
			at, col, nextX = nextX, col+stepX, nextX+everyX
		} else {
			at, row, nextY = nextY, row+stepY, nextY+everyY
		}
		if at >= reach {
			return reach
		}
		if SolidTile(col, row) {
			return at
		}
	}
}

// axis prepares the walk through tiles along one axis: its step, the way to the first border, the way between borders.
func axis(p, d float32, tile int) (step int, next, every float32) {
	switch {
	case d > 0:
		return 1, float32(float32(tile+1)*Tile-p) / d, Tile / d
	case d < 0:
		return -1, float32(float32(tile)*Tile-p) / d, -Tile / d
	}
	return 0, math.MaxFloat32, 0
}

// Sees reports whether nothing stands between two points.
func Sees(x, y, tx, ty float32) bool {
	dx, dy, far := unit(tx-x, ty-y)
	return far == 0 || Ray(x, y, dx, dy, far) >= far
}

// unit is a vector's direction and length.
func unit(x, y float32) (dx, dy, length float32) {
	length = float32(math.Sqrt(float64(float32(x*x) + float32(y*y))))
	if length == 0 {
		return 1, 0, 0
	}
	return x / length, y / length, length
}

// Walls are the map's walls as rectangles, one a run of tiles, for whoever draws it.
func Walls() (rects [][4]float32) {
	for row := range Tiles {
		for col := 0; col < Tiles; col++ {
			first := col
			for col < Tiles && solid[row][col] {
				col++
			}
			if col > first {
				rects = append(rects, [4]float32{float32(first) * Tile, float32(row) * Tile, float32(col-first) * Tile, Tile})
			}
		}
	}
	return rects
}
