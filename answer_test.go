package ssebridge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestAnEncodedAnswerIsReadNoFurtherThanItsLimit(t *testing.T) {
	t.Parallel()
	body := gzipped(strings.Repeat("a", 1000) + "b")
	for limit, want := range map[int64]int{1001: 1001, 1000: 0, 10: 0} {
		got, err := decode("GZIP", body, limit)
		if len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("limit %d: got %d bytes, %v", limit, len(got), err)
		}
	}
	broken := append(gzipped(strings.Repeat("a", 1000)), "no gzip"...)
	if _, err := decode("gzip", broken, 10); !errors.Is(err, errTooLarge) {
		t.Errorf("it was read beyond its limit: %v", err)
	}
	if got, err := decode("identity", []byte("a"), 10); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnAnswerKeepsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	a := newAnswer(10)
	for range 100 {
		if _, err := a.Write([]byte("abcdef")); err != nil {
			break
		}
	}
	if _, err := a.response(); err == nil || a.body.Len() > 10 {
		t.Errorf("kept %d bytes, error %v", a.body.Len(), err)
	}
	exact := newAnswer(6)
	exact.WriteHeader(http.StatusEarlyHints)
	exact.Header().Set("X-Late", "no")
	exact.WriteHeader(http.StatusAccepted)
	exact.Header().Set("X-Late", "yes")
	if _, err := exact.Write([]byte("abcdef")); err != nil {
		t.Error(err)
	}
	if resp, err := exact.response(); err != nil || resp.Status != http.StatusAccepted || string(resp.Body) != "abcdef" || resp.Header.Get("X-Late") != "no" {
		t.Errorf("got %+v, %v", resp, err)
	}
	silent := newAnswer(6)
	if resp, err := silent.response(); err != nil || resp.Status != http.StatusOK {
		t.Errorf("an upstream that writes nothing: %+v, %v", resp, err)
	}
}

func TestSlotsBoundPollsThatAreNotHeld(t *testing.T) {
	t.Parallel()
	s := make(slots, 1)
	release, err := s.take(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(full, false); err == nil {
		t.Error("there were two slots")
	}
	release()
	if release, err = s.take(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	next, err := s.take(t.Context(), false) // comes when the first turns out to be held
	if err != nil {
		t.Fatal(err)
	}
	release()
	if len(s) != 1 {
		t.Errorf("%d slots are taken, want 1", len(s))
	}
	next()
}
