package shard

// table finds connections by CID: open addressing with linear probing. The upper 24 bits of a CID are random, so they
// are their own hash. Half full at most; a resumption in progress has two entries.
type table struct {
	slots []entry
	mask  uint32
}

type entry struct {
	cid  uint32
	conn *conn // nil: free
}

func newTable(entries int) table {
	size := 16
	for size < 2*entries {
		size *= 2
	}
	return table{make([]entry, size), uint32(size - 1)}
}

func (t *table) get(cid uint32) *conn {
	for i := cid >> 8 & t.mask; t.slots[i].conn != nil; i = (i + 1) & t.mask {
		if t.slots[i].cid == cid {
			return t.slots[i].conn
		}
	}
	return nil
}

func (t *table) put(cid uint32, c *conn) {
	i := cid >> 8 & t.mask
	for t.slots[i].conn != nil {
		i = (i + 1) & t.mask
	}
	t.slots[i] = entry{cid, c}
}

// remove closes the gap by moving back what probed past it.
func (t *table) remove(cid uint32) {
	i := cid >> 8 & t.mask
	for ; t.slots[i].cid != cid || t.slots[i].conn == nil; i = (i + 1) & t.mask {
		if t.slots[i].conn == nil {
			return
		}
	}
	for j := (i + 1) & t.mask; t.slots[j].conn != nil; j = (j + 1) & t.mask {
		home := t.slots[j].cid >> 8 & t.mask
		if (j-home)&t.mask >= (j-i)&t.mask { // i is on its way from home to j
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = entry{}
}
