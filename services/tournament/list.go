package tournament

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

// Refusals of listings.
var (
	ErrCategoryEnd = errs.New(errs.InvalidArgument, "Tournament category end must be >=0 and <128.")
	ErrCategories  = errs.New(errs.InvalidArgument, "Tournament category end must be greater than category start.")
	ErrTimes       = errs.New(errs.InvalidArgument, "Tournament end time must be greater than start time.")
	ErrLimit       = errs.New(errs.InvalidArgument, "Limit must be between 1 and 100.")
	ErrCursor      = errs.New(errs.InvalidArgument, "Cursor is invalid or expired.")
)

// Filter selects tournaments. Times are Unix seconds.
type Filter struct {
	CategoryMin, CategoryMax int64
	StartMin                 *int64 // nil: any
	EndMax                   *int64 // nil: those that have not ended; 0: those without an end; else those with one, ended or not
}

const categoryMax = 127

func (f *Filter) check() error {
	switch {
	case f.CategoryMax < 0 || f.CategoryMax > categoryMax:
		return ErrCategoryEnd
	case f.CategoryMax < f.CategoryMin:
		return ErrCategories
	case f.StartMin != nil && f.EndMax != nil && *f.EndMax < *f.StartMin:
		return ErrTimes
	}
	return nil
}

func (f *Filter) match(b *leaderboard.Board, now int64) bool {
	category, end := int64(b.Category), b.EndTime.Unix()
	switch {
	case category < f.CategoryMin || category > f.CategoryMax:
		return false
	case f.StartMin != nil && b.StartTime.Unix() < *f.StartMin:
		return false
	case f.EndMax == nil:
		return end == 0 || end > now
	case *f.EndMax == 0:
		return end == 0
	}
	return end > 0 && end <= *f.EndMax
}

// List reads one page of tournaments in the order start ↑, end ↓ (those without one last), category ↑, id ↑. cursor ""
// begins; next is "" on the last page. One whose last tournament was deleted finds nothing more.
// Errors: those of the filter, ErrCursor.
func (s *Service) List(ctx context.Context, f Filter, limit int, cursor string) (page []*api.Tournament, next string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	all := s.inOrder()
	if cursor != "" {
		after, ok := parseCursor(cursor)
		if !ok {
			return nil, "", ErrCursor
		}
		last, ok := s.Get(after)
		if !ok {
			return nil, "", nil
		}
		at, found := slices.BinarySearchFunc(all, last, order)
		if found {
			at++
		}
		all = all[at:]
	}
	now := s.c.Now()
	var found []*leaderboard.Board
	for _, b := range all {
		if !f.match(b, now.Unix()) {
			continue
		}
		if len(found) == limit {
			next = cursorOf(found[limit-1].ID)
			break
		}
		found = append(found, b)
	}
	page, err = s.messages(ctx, found)
	return page, next, err
}

// order is that of listings.
func order(a, b *leaderboard.Board) int {
	return cmp.Or(a.StartTime.Compare(b.StartTime), b.EndTime.Compare(a.EndTime), cmp.Compare(a.Category, b.Category), cmp.Compare(a.ID, b.ID))
}

// A cursor is base64 of the id of the last tournament before it.

func cursorOf(id string) string { return base64.URLEncoding.EncodeToString([]byte(id)) }

func parseCursor(cursor string) (id string, ok bool) {
	b, err := base64.URLEncoding.DecodeString(cursor)
	return string(b), err == nil && len(b) > 0
}
