package simnet

import "time"

// Queue holds values until they are due: a heap by (time, order of Push), so that equals leave in the order they came.
type Queue[T any] struct {
	items  []item[T]
	pushes uint64
}

type item[T any] struct {
	at    time.Duration
	order uint64
	value T
}

func (a *item[T]) before(b *item[T]) bool {
	return a.at < b.at || (a.at == b.at && a.order < b.order)
}

// Push adds a value that is due at the given time.
func (q *Queue[T]) Push(at time.Duration, v T) {
	q.items = append(q.items, item[T]{at, q.pushes, v})
	q.pushes++
	i := len(q.items) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !q.items[i].before(&q.items[parent]) {
			return
		}
		q.items[i], q.items[parent] = q.items[parent], q.items[i]
		i = parent
	}
}

// Next is when the earliest value is due; false when there is none.
func (q *Queue[T]) Next() (at time.Duration, ok bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].at, true
}

// Pop takes the earliest value if it is due at now, and says since when.
func (q *Queue[T]) Pop(now time.Duration) (v T, at time.Duration, ok bool) {
	if len(q.items) == 0 || q.items[0].at > now {
		return v, 0, false
	}
	first := q.items[0]
	last := len(q.items) - 1
	q.items[0] = q.items[last]
	q.items[last] = item[T]{}
	q.items = q.items[:last]
	q.sink()
	return first.value, first.at, true
}

// Len is the number of values held.
func (q *Queue[T]) Len() int { return len(q.items) }

func (q *Queue[T]) sink() {
	i := 0
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q.items); child++ {
			if q.items[child].before(&q.items[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.items[i], q.items[least] = q.items[least], q.items[i]
		i = least
	}
}
