package value

import (
	"math/big"
	"strconv"
	"testing"
)

func TestSumTakesDecimalIntegersOnly(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"0": "1", "-1": "0", "-0": "1", "007": "8", "9223372036854775807": "9223372036854775808",
		"18446744073709551615": "18446744073709551616", "-10": "-9",
		"": "", "-": "", "--1": "", "+1": "", "1.0": "", "1e3": "", "0x10": "", "1_000": "", " 1": "", "1\n": "", "١": "", "abc": "",
	} {
		got, ok := appendSum([]byte("="), number, big.NewInt(1))
		if ok != (want != "") || string(got) != "="+want {
			t.Errorf("%q + 1 is %q, %v, want %q", number, got, ok, want)
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add(int64(41), int64(1))
	f.Add(int64(-1<<63), int64(-1))
	f.Add(int64(1<<63-1), int64(1))
	f.Fuzz(func(t *testing.T, a, b int64) {
		sum, ok := appendSum(nil, strconv.FormatInt(a, 10), big.NewInt(b))
		if !ok {
			t.Fatalf("%d + %d is refused", a, b)
		}
		back, ok := appendSum(nil, string(sum), new(big.Int).Neg(big.NewInt(b)))
		if !ok || string(back) != strconv.FormatInt(a, 10) {
			t.Fatalf("%d + %d - %[2]d is %s, %v", a, b, back, ok)
		}
	})
}
