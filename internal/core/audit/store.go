package audit

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

const (
	sqlInsert = `INSERT INTO audit_events (id, at, type, outcome, reason, actor_kind, actor_id, subject_id, session_id,
		client, request_id, details, sealed_for, sealed, digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

	sqlOfSubject = `SELECT seq, id, at, type, outcome, reason, actor_kind, COALESCE(actor_id, 0),
		COALESCE(session_id, ''), client, request_id, details, sealed_for, sealed, digest
		FROM audit_events WHERE subject_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`
)

// store seals the personal fields and inserts the event; it gives the key that it used.
func (l *Log) store(ctx context.Context, tx *db.Tx, e *Event) (cipher.AEAD, error) {
	subject := e.keySubject()
	key, err := l.subjectKey(ctx, tx, subject)
	if err != nil {
		return nil, err
	}
	plain, err := e.personal()
	if err != nil {
		return nil, err
	}
	details, err := e.detailsText()
	if err != nil {
		return nil, err
	}
	sealed := secret.SealWith(key, sealedPlace(e.ID), plain)
	bytes, err := canonical(e, details, subject, sealed)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(bytes)
	_, err = tx.Exec(ctx, sqlInsert, e.ID, e.At, e.Type, e.Outcome, e.Reason, e.Actor.Kind, nullable(e.Actor.User),
		nullable(e.Subject), nullableText(string(e.Session)), e.Client, e.Actor.Request, details, subject, sealed, digest[:])
	return key, err
}

func sealedPlace(id ident.EventID) string { return "audit_events/" + string(id) }

func nullable(id ident.UserID) *int64 {
	if id == 0 {
		return nil
	}
	n := int64(id)
	return &n
}

func nullableText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Entry is an event read back. Intact tells whether its digest is true. Forgotten tells that the key of its personal
// fields is gone, and with it the actor's address and device.
type Entry struct {
	Seq       int64
	Event     Event
	Intact    bool
	Forgotten bool
}

// OfSubject reads an account's events, the newest first, up to limit of them with a number below before.
func (l *Log) OfSubject(
	ctx context.Context, q db.Querier, subject ident.UserID, before int64, limit int,
) ([]Entry, error) {
	rows, err := q.Query(ctx, sqlOfSubject, subject, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []Entry
	var sealed [][]byte
	for rows.Next() {
		entry := Entry{Event: Event{Subject: subject}}
		text, err := scanEntry(rows, &entry)
		if err != nil {
			return nil, err
		}
		entries, sealed = append(entries, entry), append(sealed, text)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // before the keys are read: with a pool of one connection there is no second
	return entries, l.unseal(ctx, q, userSubject(subject), entries, sealed)
}

func scanEntry(rows db.Rows, entry *Entry) (sealed []byte, err error) {
	e := &entry.Event
	var details, subject string
	var digest []byte
	err = rows.Scan(&entry.Seq, &e.ID, &e.At, &e.Type, &e.Outcome, &e.Reason, &e.Actor.Kind, &e.Actor.User,
		&e.Session, &e.Client, &e.Actor.Request, &details, &subject, &sealed, &digest)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
		return nil, err
	}
	bytes, err := canonical(e, details, subject, sealed)
	if err != nil {
		return nil, err
	}
	want := sha256.Sum256(bytes)
	entry.Intact = string(want[:]) == string(digest)
	return sealed, nil
}

func (l *Log) unseal(ctx context.Context, q db.Querier, subject string, entries []Entry, sealed [][]byte) error {
	key, err := l.readKey(ctx, q, subject)
	gone := errors.Is(err, db.ErrNoRows)
	if err != nil && !gone {
		return err
	}
	for i := range entries {
		if gone {
			entries[i].Forgotten = true
			continue
		}
		plain, err := secret.OpenWith(key, sealedPlace(entries[i].Event.ID), sealed[i])
		if err != nil {
			entries[i].Intact = false
			continue
		}
		var p personal
		if err := json.Unmarshal(plain, &p); err != nil {
			return err
		}
		entries[i].Event.Actor.Device = p.Device
		if p.Address != "" {
			entries[i].Event.Actor.Address, _ = netip.ParseAddr(p.Address)
		}
	}
	return nil
}
