package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/golden"
)

func TestDocs_EventsPageIsTrue(t *testing.T) {
	golden.Check(t, "../../../docs/events.md", eventsPage())
}

func eventsPage() string {
	var b strings.Builder
	b.WriteString(`# Security events

Every change is stored together with an event, in one transaction: there is no change without its event. Refusals are
events too, with their true reason, which the answer to the caller may hide. This page is made from the code.

An event says what happened (` + "`type`" + `), whether it took place (` + "`outcome`" + `: success or refused) and why or why not
(` + "`reason`" + `), who caused it (anonymous, user, operator, system), whose account it concerns, through which session,
client and request, and from which address and device. Address and device are personal: they are encrypted under a key
of the subject's own, and become unreadable when that key is deleted. Each row carries a SHA-256 digest over its
canonical bytes.

What somebody typed as a name that no account has is not kept: it is too often a password.

Two kinds of event add no row, since they are frequent and harmless; they are counted in metrics and noted on the
request's log line.

| Event | Meaning |
|---|---|
`)
	for _, typ := range Types() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", typ, Meaning()[typ])
	}
	return b.String()
}
