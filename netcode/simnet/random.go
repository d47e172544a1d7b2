package simnet

// random is SplitMix64 (Steele, Lea, Flood 2014): its own few lines, so that a seed gives the same run
// whatever version of Go builds it.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9E3779B97F4A7C15
	z := r.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unit is uniform in [0, 1).
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// mix makes the seed of one of many generators.
func mix(seed, index uint64) uint64 {
	r := random{seed ^ index*0xD1342543DE82EF95}
	return r.next()
}
