package testport

import (
	"fmt"
	"os"
	"testing"
)

// TestTheSystemGivesThePortsToNobody reads what ip_sysctl of Linux's documentation describes as ip_local_port_range.
func TestTheSystemGivesThePortsToNobody(t *testing.T) {
	told, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Fatal(err)
	}
	var from, to int
	if _, err := fmt.Sscan(string(told), &from, &to); err != nil {
		t.Fatal(err)
	}
	if from < first+2*count && to >= first {
		t.Errorf("the system gives ports from %d to %d, and Free takes those from %d to %d", from, to, first, first+2*count-1)
	}
}
