package testport

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

func TestAPortIsHeldUntilTheTestIsOver(t *testing.T) {
	var port int
	t.Run("it is free, and nobody else gets it", func(t *testing.T) {
		addr := Free(t)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_, digits, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		if port, err = strconv.Atoi(digits); err != nil {
			t.Fatal(err)
		}
		if held, err := hold(port); err == nil {
			held.Close()
			t.Errorf("port %d was given to another test", port)
		}
	})
	held, err := hold(port)
	if err != nil {
		t.Fatalf("after the test: %v", err)
	}
	held.Close()
}

// Each program that is started has all listeners of this process until it is itself.
func TestAPortIsListenedOnAgainWhileProgramsStart(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var starting sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer starting.Wait()
	defer stop()
	for range 2 {
		starting.Go(func() {
			for ctx.Err() == nil {
				_ = exec.CommandContext(ctx, program, "-test.run=^$").Run() // it may be stopped
			}
		})
	}
	addr := Free(t)
	for range 500 {
		Listen(t, addr).Close()
	}
}

func TestManyPortsAreAllDifferent(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		addr := Free(t)
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
	}
}
