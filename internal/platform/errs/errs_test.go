package errs_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/platform/errs"
)

func taken() *errs.Error {
	return errs.New(errs.Conflict, "username_taken", "This username is taken.")
}

func TestError_ShowsCodeMessageAndCause(t *testing.T) {
	for want, err := range map[string]error{
		"username_taken: This username is taken.":                 taken(),
		"username_taken: This username is taken.: unexpected EOF": taken().With(io.ErrUnexpectedEOF),
		"internal: It failed.: unexpected EOF":                    errs.Wrap(io.ErrUnexpectedEOF, errs.Internal, "internal", "It failed."),
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestError_FindsItsCause(t *testing.T) {
	err := fmt.Errorf("sign up: %w", taken().With(io.ErrUnexpectedEOF))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v does not lead to its cause", err)
	}
	if errors.Is(taken(), io.ErrUnexpectedEOF) {
		t.Error("an error without a cause leads to one")
	}
}

func TestIs_ComparesCodesAlone(t *testing.T) {
	decorated := taken().With(io.EOF).WithRetry(time.Second).WithFields(errs.Field{Field: "username"})
	if !errors.Is(fmt.Errorf("outer: %w", decorated), taken()) {
		t.Error("a decorated copy does not match its original")
	}
	if errors.Is(taken(), errs.New(errs.Conflict, "email_taken", "This username is taken.")) {
		t.Error("errors with different codes match")
	}
	if errors.Is(taken(), io.EOF) {
		t.Error("an error matches one of another type")
	}
}

func TestDecorating_LeavesTheOriginalAlone(t *testing.T) {
	original := taken()
	field := errs.Field{Field: "username", Rules: []string{"taken"}, Message: "It is taken."}
	decorated := original.With(io.EOF).WithFields(field).WithRetry(3 * time.Second)

	if original.Unwrap() != nil || original.Fields != nil || original.RetryAfter != 0 {
		t.Errorf("the original changed: %+v", original)
	}
	if decorated.Unwrap() != io.EOF || decorated.RetryAfter != 3*time.Second {
		t.Errorf("a decoration was lost on the way: %+v", decorated)
	}
	if diff := cmp.Diff([]errs.Field{field}, decorated.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if decorated.Kind != errs.Conflict || decorated.Code != "username_taken" {
		t.Errorf("kind or code changed: %+v", decorated)
	}
}

func TestAs_FindsTheErrorInAChain(t *testing.T) {
	want := taken()
	if got := errs.As(fmt.Errorf("a: %w", fmt.Errorf("b: %w", want))); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, err := range []error{nil, io.EOF, fmt.Errorf("a: %w", io.EOF)} {
		if got := errs.As(err); got != nil {
			t.Errorf("As(%v) = %v, want nil", err, got)
		}
	}
}

func TestKind_ZeroIsOurOwnFailure(t *testing.T) {
	var kind errs.Kind
	if kind != errs.Internal {
		t.Errorf("the zero kind is %d; a forgotten kind must hide behind Internal", kind)
	}
}

func TestMessage_NeverCarriesTheCause(t *testing.T) {
	err := errs.Wrap(errors.New("password=hunter2"), errs.Internal, "internal", "It failed.")
	if strings.Contains(err.Message, "hunter2") {
		t.Errorf("the message, which is shown, carries the cause: %q", err.Message)
	}
}
