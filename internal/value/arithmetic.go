package value

import "math/big"

// maxDigits bounds the numbers that are added to: a cursor may come from a client, and no
// upstream counts that far.
const maxDigits = 1000

// appendSum appends number + add in decimal. ok is false if number is no decimal integer,
// with nothing but a minus before its digits.
func appendSum(dst []byte, number string, add *big.Int) (_ []byte, ok bool) {
	digits := number
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" || len(digits) > maxDigits {
		return dst, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return dst, false
		}
	}
	sum, ok := new(big.Int).SetString(number, 10)
	if !ok {
		return dst, false
	}
	return sum.Add(sum, add).Append(dst, 10), true
}
