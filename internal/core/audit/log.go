package audit

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/logx"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Log writes events. It is safe for concurrent use.
type Log struct {
	db     *db.DB
	box    *secret.Box
	keys   keyCache
	counts [2]sync.Map // by outcome: Type → *atomic.Uint64
}

// New makes a Log on a database; box opens and seals the subjects' keys.
func New(d *db.DB, box *secret.Box) *Log {
	return &Log{db: d, box: box, keys: keyCache{known: map[string]cipher.AEAD{}}}
}

// change is what InTx's closure brings back besides the caller's value.
type change[T any] struct {
	value T
	event Event
	key   cipher.AEAD
}

// InTx runs fn in a write transaction and stores the event with what fn changed. The event starts as a success of the
// given type by the actor; fn completes it (subject, session, refusal). A refusal is an outcome: fn returns a value,
// not an error, and it commits. An error of fn rolls everything back, the event included.
//
// As for db.Write, fn may run more than once and must change nothing outside.
func InTx[T any](
	ctx context.Context, l *Log, actor ident.Actor, typ Type,
	fn func(ctx context.Context, tx *db.Tx, event *Event) (T, error),
) (T, error) {
	done, err := db.Write(ctx, l.db, func(ctx context.Context, tx *db.Tx) (change[T], error) {
		event := Event{ID: ident.NewEventID(), At: tx.Now(), Type: typ, Outcome: Success, Actor: actor,
			Client: ident.FirstParty, Session: actor.Session}
		value, err := fn(ctx, tx, &event)
		if err != nil || event.moot {
			return change[T]{value: value, event: event}, err
		}
		key, err := l.store(ctx, tx, &event)
		return change[T]{value, event, key}, err
	})
	if err != nil {
		var none T
		return none, err
	}
	if !done.event.moot {
		l.keys.put(done.event.keySubject(), done.key) // only now: a key that was rolled back must not be used again
		l.note(ctx, done.event)
	}
	return done.value, nil
}

// Counted runs fn, which makes at most one statement, for a frequent and harmless event: no row is added; the event is
// counted, and noted on the request's log line. now is an instant read from the database just before.
func Counted[T any](
	ctx context.Context, l *Log, now time.Time, typ Type,
	fn func(ctx context.Context, tx *db.Tx) (T, error),
) (T, error) {
	value, err := db.Once(ctx, l.db, now, fn)
	if err == nil {
		l.note(ctx, Event{Type: typ, Outcome: Success})
	}
	return value, err
}

// Note counts an event of which there is nothing to store, such as a token that is not ours, and notes it on the
// request's log line.
func (l *Log) Note(ctx context.Context, typ Type, outcome Outcome, reason string) {
	l.note(ctx, Event{Type: typ, Outcome: outcome, Reason: reason})
}

// Routine is Counted for the housekeeping of the server itself, whose transactions take more than one statement.
func Routine[T any](
	ctx context.Context, l *Log, typ Type, fn func(ctx context.Context, tx *db.Tx) (T, error),
) (T, error) {
	value, err := db.Write(ctx, l.db, fn)
	if err == nil {
		l.note(ctx, Event{Type: typ, Outcome: Success})
	}
	return value, err
}

// note counts an event and puts it on the request's log line.
func (l *Log) note(ctx context.Context, e Event) {
	l.counter(e.Type, e.Outcome).Add(1)
	attrs := []slog.Attr{slog.String("event", string(e.Type)), slog.String("outcome", string(e.Outcome))}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if e.Subject != 0 {
		attrs = append(attrs, slog.Int64("subject", int64(e.Subject)))
	}
	if e.Session != "" && e.Session != e.Actor.Session { // the actor's own is noted by whoever checked its token
		attrs = append(attrs, slog.String("session_id", string(e.Session)))
	}
	logx.Add(ctx, attrs...)
}

func (l *Log) counter(t Type, o Outcome) *atomic.Uint64 {
	counts := &l.counts[0]
	if o == Refused {
		counts = &l.counts[1]
	}
	if c, ok := counts.Load(t); ok {
		return c.(*atomic.Uint64)
	}
	c, _ := counts.LoadOrStore(t, &atomic.Uint64{})
	return c.(*atomic.Uint64)
}

// Count tells how many events of a type with an outcome this process has seen.
func (l *Log) Count(t Type, o Outcome) uint64 { return l.counter(t, o).Load() }

const sealPurpose = "subject_keys"

const (
	sqlKey = `SELECT sealed FROM subject_keys WHERE subject = $1`

	sqlInsertKey = `INSERT INTO subject_keys (subject, sealed, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (subject) DO NOTHING`
)

// subjectKey gives the cipher of a subject's personal fields, making the key at first use.
func (l *Log) subjectKey(ctx context.Context, tx *db.Tx, subject string) (cipher.AEAD, error) {
	if key, ok := l.keys.get(subject); ok {
		return key, nil
	}
	key, err := l.readKey(ctx, tx, subject)
	if !errors.Is(err, db.ErrNoRows) {
		return key, err
	}
	material := secret.Bytes(secret.MasterKeyLen)
	sealed, err := l.box.Seal(sealPurpose, subject, material)
	if err != nil {
		return nil, err
	}
	inserted, err := tx.Exec(ctx, sqlInsertKey, subject, sealed, tx.Now())
	if err != nil {
		return nil, err
	}
	if inserted == 0 { // another instance was first
		return l.readKey(ctx, tx, subject)
	}
	return secret.NewAEAD(material)
}

func (l *Log) readKey(ctx context.Context, q db.Querier, subject string) (cipher.AEAD, error) {
	var sealed []byte
	if err := q.QueryRow(ctx, sqlKey, subject).Scan(&sealed); err != nil {
		return nil, err
	}
	material, err := l.box.Open(sealPurpose, subject, sealed)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w; DURWARD_MASTER_KEY is not the one it was sealed with", subject, err)
	}
	return secret.NewAEAD(material)
}

// keyCache keeps the ciphers of recent subjects, a bounded number of them.
type keyCache struct {
	mu    sync.Mutex
	known map[string]cipher.AEAD
}

const keyCacheSize = 4096

func (c *keyCache) get(subject string) (cipher.AEAD, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.known[subject]
	return key, ok
}

func (c *keyCache) put(subject string, key cipher.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.known[subject]; !ok && len(c.known) >= keyCacheSize {
		for old := range c.known { // any one will do: a miss costs a read
			delete(c.known, old)
			break
		}
	}
	c.known[subject] = key
}
