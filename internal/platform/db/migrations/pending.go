package migrations

import (
	"errors"
	"fmt"
	"time"
)

// ErrSchema says that a binary must not run on a database; the message tells why and what to do.
var ErrSchema = errors.New("the database's schema does not fit this binary")

// Record is what a database says of a migration that was applied to it. Name and Checksum are nil where the database
// holds none.
type Record struct {
	Version   int64
	Name      *string
	WorksWith Number
	Checksum  *string
	AppliedAt *time.Time
}

// Number is a schema number, from 1 upwards, or 0 for whatever else a database may hold in its place.
type Number int64

// Scan implements sql.Scanner.
func (n *Number) Scan(src any) error {
	value, _ := src.(int64)
	*n = Number(max(0, value))
	return nil
}

// Pending gives the first migration that is known and not applied, nil when there is none, or ErrSchema when what is
// applied, in the order of versions, does not fit what is known.
func Pending(known []Migration, applied []Record) (*Migration, error) {
	for i, r := range applied {
		if err := fits(known, applied, i, r); err != nil {
			return nil, err
		}
	}
	if len(applied) >= len(known) {
		return nil, nil
	}
	return &known[len(applied)], nil
}

// fits tells whether the record in place i is the one that should be there, and lets this binary run.
func fits(known []Migration, applied []Record, i int, r Record) error {
	version, newest := int64(i+1), int64(len(known))
	switch {
	case r.Version != version:
		return refuse(known, applied, "the record of migration %d is missing", version)
	case r.WorksWith < 1 || int64(r.WorksWith) > version || r.Checksum == nil:
		return refuse(known, applied, "the record of migration %d cannot be read", version)
	case version > newest && int64(r.WorksWith) > newest:
		return tooOld(known, applied)
	case version <= newest && *r.Checksum != known[i].Checksum:
		return refuse(known, applied, "migration %d (%s) was applied with other contents (checksum %.12s, not %.12s)",
			version, known[i].Name, *r.Checksum, known[i].Checksum)
	}
	return nil
}

// tooOld is the refusal of a binary that a later migration has shut out.
func tooOld(known []Migration, applied []Record) error {
	var needs Number
	for _, r := range applied {
		needs = max(needs, r.WorksWith)
	}
	return fmt.Errorf("%w: the database is at schema %d, which needs a binary that knows schema %d; this one knows %d: "+
		"install the release that was running before, or restore a backup made before the upgrade",
		ErrSchema, applied[len(applied)-1].Version, needs, len(known))
}

// refuse is the refusal of records that nobody can have meant.
func refuse(known []Migration, applied []Record, format string, args ...any) error {
	return fmt.Errorf("%w: %s; the database is at schema %d, this binary knows %d: use the release that this database "+
		"belongs to, or restore a backup", ErrSchema, fmt.Sprintf(format, args...),
		applied[len(applied)-1].Version, len(known))
}

// Unrecorded is the refusal of a database in which a migration found what it was to make.
func Unrecorded(known []Migration, next *Migration, cause error) error {
	return fmt.Errorf("%w: migration %d (%s) makes what is there already, though nothing records it; the database is at "+
		"schema %d, this binary knows %d: use an empty database, or restore schema_migrations: %w",
		ErrSchema, next.Version, next.Name, next.Version-1, len(known), cause)
}
